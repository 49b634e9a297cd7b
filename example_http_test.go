package mqtte2e_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"

	"github.com/mqtt-e2e/mqtte2e"
)

// A Listener serves HTTP as any net.Listener does. The client's Transport has
// no Proxy: the hosts of its URLs are names of listeners, which no proxy knows.
func Example_http() {
	address, stop := exampleBroker()
	defer stop()
	endpoint := &mqtte2e.Endpoint{Broker: address, Config: &mqtte2e.Config{Key: mqtte2e.NewKey()}}
	defer endpoint.Close()

	listener, err := endpoint.Listen(context.Background(), "thermostat")
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("GET /rooms/{room}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "21 degrees in the %s", r.PathValue("room"))
	})
	server := &http.Server{}
	go server.Serve(listener)
	defer server.Close()

	client := &http.Client{Transport: &http.Transport{DialContext: endpoint.DialContext}}
	response, err := client.Get("http://thermostat/rooms/kitchen")
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(response.Status, string(body))
	// Output: 200 OK 21 degrees in the kitchen
}
