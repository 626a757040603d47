// SPDX-License-Identifier: Apache-2.0

// One end of a link, descriptor 3, as a net.Conn. As `client`: asks, with a deadline, until there
// is an answer, and prints it; as `server`: answers what it reads, and ends after the third.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

func main() {
	file := os.NewFile(3, os.Getenv("WEFT_LINKS"))
	conn, err := net.FileConn(file)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	buffer := make([]byte, 64)
	if os.Args[1] == "server" {
		for answers := 0; answers < 3; {
			n, err := conn.Read(buffer)
			if err == io.EOF {
				time.Sleep(time.Millisecond) // Is there another client by now?
				continue
			}
			if err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
			answers++
			fmt.Fprintf(conn, "%s for %s", buffer[:n], os.Getenv("WEFT_LINKS"))
		}
		return
	}
	start := time.Now()
	for {
		if _, err := conn.Write([]byte("hello")); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		n, err := conn.Read(buffer)
		if err == nil {
			fmt.Printf("%s after %v\n", buffer[:n], time.Since(start).Round(time.Millisecond))
			return
		}
		if !os.IsTimeout(err) {
			fmt.Println(err)
			os.Exit(1)
		}
	}
}
