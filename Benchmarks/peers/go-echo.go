// Echo, sink, and echo of lines and of messages of one size over Go's net package, a goroutine for each connection.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

// No line is longer.
const lineBytesMax = 64 << 10

func fail(err error) {
	fmt.Fprintf(os.Stderr, "go-echo: %v\n", err)
	os.Exit(1)
}

// What came goes back, through a buffer of each connection's own.
func echo(connection net.Conn, _ int) error {
	buffer := make([]byte, lineBytesMax)
	for {
		count, err := connection.Read(buffer)
		if err != nil {
			return err
		}
		if _, err := connection.Write(buffer[:count]); err != nil {
			return err
		}
	}
}

func sink(connection net.Conn, _ int) error {
	buffer := make([]byte, lineBytesMax)
	for {
		if _, err := connection.Read(buffer); err != nil {
			return err
		}
	}
}

// Each line as the reader has it, without a copy.
func echoLines(connection net.Conn, _ int) error {
	reader := bufio.NewReaderSize(connection, lineBytesMax)
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		if _, err := connection.Write(line); err != nil {
			return err
		}
	}
}

func echoMessages(connection net.Conn, messageBytes int) error {
	message := make([]byte, messageBytes)
	for {
		if _, err := io.ReadFull(connection, message); err != nil {
			return err
		}
		if _, err := connection.Write(message); err != nil {
			return err
		}
	}
}

var services = map[string]func(net.Conn, int) error{
	"echo": echo, "sink": sink, "lines": echoLines, "exact": echoMessages,
}

func accept(listener net.Listener, serve func(net.Conn, int) error, messageBytes int) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			fail(err)
		}
		go func() {
			// The client goes, amid a message or between two.
			_ = serve(connection, messageBytes)
			connection.Close()
		}()
	}
}

func main() {
	service := flag.String("service", "echo", "echo, sink, lines or exact")
	host := flag.String("host", "127.0.0.1", "the host to listen on")
	port := flag.Int("port", 0, "the port to listen on; 0 lets the system choose")
	unix := flag.String("unix", "", "the Unix socket to listen on instead")
	messageBytes := flag.Int("message-bytes", 64<<10, "what a message of exact has")
	version := flag.Bool("version", false, "print what built it, and end")
	flag.Parse()
	if *version {
		fmt.Println(runtime.Version())
		return
	}
	serve, known := services[*service]
	if !known || flag.NArg() > 0 || *messageBytes < 1 {
		flag.Usage()
		os.Exit(64)
	}
	network, address := "tcp", net.JoinHostPort(*host, fmt.Sprint(*port))
	if *unix != "" {
		network, address = "unix", *unix
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGINT, syscall.SIGTERM)
	listener, err := net.Listen(network, address)
	if err != nil {
		fail(err)
	}
	fmt.Printf("listening on %s\n", listener.Addr())
	go accept(listener, serve, *messageBytes)
	<-ended
	if *unix != "" {
		os.Remove(*unix)
	}
}
