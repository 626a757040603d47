// SPDX-License-Identifier: Apache-2.0

// Two goroutines that call functions for ever, and a timeout that must end the program all the
// same: golang/go#60857, with calls in the loops.
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

func spin(n int) {
	fmt.Println("in goroutine", n)
	for {
		sink = step(sink)
	}
}

func main() {
	timeout := time.After(100 * time.Millisecond)
	go spin(1)
	go spin(2)
	<-timeout
	fmt.Println("timeout")
}
