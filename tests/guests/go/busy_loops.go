// SPDX-License-Identifier: Apache-2.0

// Two goroutines that call functions for ever, and a timeout that must end the program all the
// same: golang/go#60857, with calls in the loops. The timeout begins when both have begun.
package main

import (
	"fmt"
	"time"
)

//go:noinline
func step(x uint32) uint32 { return scramble(x)*1664525 + 1013904223 }

//go:noinline
func scramble(x uint32) uint32 {
	var buffer [300]byte // A large frame: its prologue adds to the guard.
	fill(buffer[:], x)
	return uint32(buffer[x%300])
}

//go:noinline
func fill(buffer []byte, x uint32) { buffer[x%uint32(len(buffer))] = byte(x) }

var sink uint32

func spin(n int, begun chan<- int) {
	fmt.Println("in goroutine", n)
	begun <- n
	for {
		sink = step(sink)
	}
}

func main() {
	begun := make(chan int)
	for n := 1; n <= 2; n++ {
		go spin(n, begun)
		<-begun
	}
	<-time.After(100 * time.Millisecond)
	fmt.Println("timeout")
}
