// SPDX-License-Identifier: Apache-2.0

// A net/http server on the listener at descriptor 3: /hello says the method and how long the body
// was, /quit ends the program. With the argument "nonblock" it makes the listener non-blocking
// first, for hosts that leave that to the guest.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "nonblock" {
		if err := syscall.SetNonblock(3, true); err != nil {
			fmt.Println("no listener:", err)
			os.Exit(1)
		}
	}
	listener, err := net.FileListener(os.NewFile(3, ""))
	if err != nil {
		fmt.Println("no listener:", err)
		os.Exit(1)
	}
	http.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "hello %s %d\n", r.Method, n)
	})
	http.HandleFunc("/quit", func(w http.ResponseWriter, r *http.Request) { os.Exit(0) })
	fmt.Println("serving")
	fmt.Println(http.Serve(listener, nil))
	os.Exit(1)
}
