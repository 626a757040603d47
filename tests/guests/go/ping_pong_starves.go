// SPDX-License-Identifier: Apache-2.0

// Two goroutines that wake each other without end beside one that is runnable, and must run:
// golang/go#65178. Before Go 1.23 each handed the thread to the other for ever.
package main

import (
	"fmt"
	"sync/atomic"
)

func main() {
	ping, pong := make(chan bool), make(chan bool)
	var stop atomic.Bool
	done := make(chan bool)
	go func() {
		for range ping {
			pong <- true
		}
		close(done)
	}()
	go func() { stop.Store(true) }()
	for !stop.Load() {
		ping <- true
		<-pong
	}
	close(ping)
	<-done
	fmt.Println("the third ran")
}
