// Package message exchanges short sealed messages over an untrusted MQTT broker, as the devices of toit-mqtt-e2e do: it speaks
// protocol version 1 of that project byte for byte (message/SPEC.md).
//
// A message is one MQTT packet, sealed with AES-128-GCM under a 16-byte key that both ends share. There is no handshake, no
// acknowledgement and no order: what the broker loses is lost, and the application asks again. Whoever learns the key can read every
// message ever sent under it. Where both ends can use this project, a stream (package mqtte2e) gives forward secrecy, delivery and
// order; messages are for devices that speak nothing else, and for a report now and then where a lost one does no harm.
//
// [Codec] seals and opens packets and needs no network. [Session] sends and receives them over a broker, under one key or many, or
// under those of a fleet's devices, which it derives. [NTP] gives both a correct clock without touching the system's, since a packet is refused when its time is off.
package message
