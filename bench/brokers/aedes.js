// A broker of aedes, for MQTT over TCP and over WebSocket on the two ports in its arguments.
const aedes = require('aedes')()
const ws = require('ws')

require('net').createServer(aedes.handle).listen(process.argv[2], '127.0.0.1')

const http = require('http').createServer()
new ws.WebSocketServer({ server: http }).on('connection', (socket, request) => aedes.handle(ws.createWebSocketStream(socket), request))
http.listen(process.argv[3], '127.0.0.1')
