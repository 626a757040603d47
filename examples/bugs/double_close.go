// SPDX-License-Identifier: Apache-2.0

// Planted bug: double close. Two goroutines close a channel when they see the end of the work. Each
// looks whether it is closed already, but then gives way before it closes.
// weft test go_double_close.wasm
package main

import "time"

func main() {
	done := make(chan struct{})
	closed := false
	finish := func(work time.Duration) {
		time.Sleep(work)
		if !closed {
			time.Sleep(200 * time.Microsecond) // Writes the last words.
			closed = true
			close(done)
		}
	}
	go finish(10 * time.Millisecond)
	go func() { // Comes a millisecond later, and finds it closed, unless the first one is late.
		time.Sleep(5 * time.Millisecond)
		finish(6 * time.Millisecond)
	}()
	<-done
	time.Sleep(20 * time.Millisecond)
}
