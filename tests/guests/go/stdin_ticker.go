// SPDX-License-Identifier: Apache-2.0

// One goroutine waits for lines on stdin while another ticks every 10 ms. When stdin ends, both
// stop. The ticks must go on while stdin is silent: a blocked read freezes no other goroutine.
package main

import (
	"bufio"
	"fmt"
	"os"
	"time"
)

func main() {
	lines := make(chan string)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(os.Stdin)
		for scanner.Scan() {
			lines <- scanner.Text()
		}
	}()
	ticker := time.NewTicker(10 * time.Millisecond)
	ticks := 0
	for {
		select {
		case line, open := <-lines:
			if !open {
				fmt.Println("ticks", ticks)
				return
			}
			fmt.Printf("line %q\n", line)
		case <-ticker.C:
			ticks++
		}
	}
}
