// SPDX-License-Identifier: Apache-2.0

// Planted bug: missed wake-up. The consumer looks whether there is work, finds none, and only then
// begins to listen. A signal that is sent in between is lost, and there is no second one.
// weft test go_missed_wakeup.wasm
package main

import "time"

func main() {
	work := 0
	wake := make(chan struct{})
	go func() {
		time.Sleep(10 * time.Millisecond)
		work++
		select {
		case wake <- struct{}{}: // Somebody listens.
		default: // Nobody does: the signal is lost.
		}
	}()
	time.Sleep(5 * time.Millisecond)
	time.Sleep(4 * time.Millisecond)
	if work == 0 {
		time.Sleep(500 * time.Microsecond) // Says that it goes to sleep.
		<-wake                             // Go: all goroutines are asleep.
	}
}
