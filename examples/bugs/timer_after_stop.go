// SPDX-License-Identifier: Apache-2.0

// Planted bug: a timer that fires after it was stopped. The program stops a timer and ignores the
// answer of Stop. When the timer has fired just before, its function runs all the same, on a
// connection that is already closed.
// weft test --jitter 5ms go_timer_after_stop.wasm
package main

import (
	"fmt"
	"os"
	"time"
)

func main() {
	closed := false
	timer := time.AfterFunc(22*time.Millisecond, func() {
		if closed {
			fmt.Fprintln(os.Stderr, "the timer fired after Stop")
			os.Exit(1)
		}
	})
	for i := 0; i < 4; i++ {
		time.Sleep(5 * time.Millisecond) // Four steps of work: 20 ms, if no sleep is late.
	}
	timer.Stop() // Planted: its answer says whether it was in time.
	closed = true
	time.Sleep(10 * time.Millisecond)
}
