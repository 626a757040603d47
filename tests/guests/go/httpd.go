// A net/http server on the listener at descriptor 3: /hello says the method and how long the body
// was, /quit ends the program.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

func main() {
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
