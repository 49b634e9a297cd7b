// Command mqtt-e2e carries TCP connections, end-to-end encrypted, over an MQTT
// broker: ssh into a machine that no connection can be made to, a web page of a
// device on localhost, a database behind two NATs.
package main

import (
	"os"
)

func main() { os.Exit(run()) }
