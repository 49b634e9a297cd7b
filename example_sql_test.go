package mqtte2e_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log"
	"net"

	"github.com/go-sql-driver/mysql"

	"github.com/mqtt-e2e/mqtte2e"
)

// The dial hook of a database driver reaches a server that only its own machine
// can. With package mux the connections of the pool share one Conn.
func Example_sql() {
	address, stop := exampleBroker()
	defer stop()
	endpoint := &mqtte2e.Endpoint{Broker: address, Config: &mqtte2e.Config{Key: mqtte2e.NewKey()}}
	defer endpoint.Close()

	// Beside the database: mqtt-e2e listen ADDRESS#database --to 127.0.0.1:3306,
	// or in Go. The server of this example is always busy.
	listener, err := endpoint.Listen(context.Background(), "database")
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, "\x17\x00\x00\x00\xff\x10\x04Too many connections")
			conn.Close()
		}
	}()

	mysql.RegisterDialContext("mqtt", func(ctx context.Context, name string) (net.Conn, error) {
		return endpoint.DialContext(ctx, "tcp", name)
	})
	db, err := sql.Open("mysql", "user:password@mqtt(database)/orders")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	fmt.Println("the server says:", db.Ping())
	// Output: the server says: Error 1040: Too many connections
}
