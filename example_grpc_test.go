package mqtte2e_test

import (
	"context"
	"fmt"
	"log"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/mqtt-e2e/mqtte2e"
)

// gRPC dials through an Endpoint. The scheme passthrough keeps it from looking
// the name up; its own encryption is not needed.
func Example_grpc() {
	address, stop := exampleBroker()
	defer stop()
	endpoint := &mqtte2e.Endpoint{Broker: address, Config: &mqtte2e.Config{Key: mqtte2e.NewKey()}}
	defer endpoint.Close()
	ctx := context.Background()

	listener, err := endpoint.Listen(ctx, "thermostat")
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	go server.Serve(listener)
	defer server.Stop()

	dial := func(ctx context.Context, name string) (net.Conn, error) {
		return endpoint.DialContext(ctx, "tcp", name)
	}
	client, err := grpc.NewClient("passthrough:///thermostat",
		grpc.WithContextDialer(dial), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	answer, err := grpc_health_v1.NewHealthClient(client).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.GetStatus())
	// Output: SERVING
}
