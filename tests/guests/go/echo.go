// SPDX-License-Identifier: Apache-2.0

// Echoes what each connection of the listener at descriptor 3 sends, a goroutine a connection. Ends
// when a connection says "quit".
package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
)

func main() {
	listener, err := net.FileListener(os.NewFile(3, ""))
	if err != nil {
		fmt.Println("no listener:", err)
		os.Exit(1)
	}
	fmt.Println("listening")
	for {
		conn, err := listener.Accept()
		if err != nil {
			fmt.Println("accept:", err)
			os.Exit(1)
		}
		go echo(conn)
	}
}

func echo(conn net.Conn) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			return
		}
		if line == "quit\n" {
			fmt.Println("quitting")
			os.Exit(0)
		}
		if _, err := conn.Write([]byte(line)); err != nil {
			return
		}
	}
}
