// Handshakes of Go's crypto/tls with the certificates in the directory of the first argument: a server and
// a client, each of which verifies the other, once for each host of the other arguments.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	directory := os.Args[1]
	path := func(name string) string { return filepath.Join(directory, name) }
	pem, err := os.ReadFile(path("ca.crt"))
	check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	server, err := tls.LoadX509KeyPair(path("server.crt"), path("server.key"))
	check(err)
	client, err := tls.LoadX509KeyPair(path("client-alice.crt"), path("client-alice.key"))
	check(err)
	for _, host := range os.Args[2:] {
		listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
			Certificates: []tls.Certificate{server},
			ClientAuth:   tls.RequireAndVerifyClientCert,
			ClientCAs:    roots,
		})
		check(err)
		served := make(chan error)
		go func() {
			connection, err := listener.Accept()
			if err == nil {
				err = connection.(*tls.Conn).Handshake()
			}
			if err == nil {
				_, err = connection.Write([]byte("x"))
			}
			served <- err
		}()
		connection, err := tls.Dial("tcp", listener.Addr().String(), &tls.Config{
			Certificates: []tls.Certificate{client},
			RootCAs:      roots,
			ServerName:   host,
		})
		check(err)
		_, err = connection.Read(make([]byte, 1))
		check(err)
		check(<-served)
		check(connection.Close())
		check(listener.Close())
		fmt.Println("accepted", host)
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
