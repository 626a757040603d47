// SPDX-License-Identifier: Apache-2.0

// As stdin_ticker, for a host that hands out stdin in blocking mode: asks for non-blocking mode by
// itself, as Go programs for WASI do today. The ticks must go on while stdin is silent.
package main

import (
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

func main() {
	if err := syscall.SetNonblock(0, true); err != nil {
		fmt.Println("set non-blocking:", err)
		os.Exit(1)
	}
	stdin := os.NewFile(0, "stdin")
	ended := make(chan int)
	go func() {
		input, _ := io.ReadAll(stdin)
		ended <- len(input)
	}()
	ticker := time.NewTicker(10 * time.Millisecond)
	for ticks := 0; ; ticks++ {
		select {
		case bytes := <-ended:
			fmt.Println("bytes", bytes, "ticks", ticks)
			return
		case <-ticker.C:
		}
	}
}
