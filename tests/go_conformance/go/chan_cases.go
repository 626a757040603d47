// SPDX-License-Identifier: Apache-2.0

package main

import "sync"

func init() {
	same("chan_completing_side_keeps_running", func() {
		c := make(chan int)
		start(func() { say("got", <-c) })
		c <- 1
		say("sent")
		settle()
	})
	same("chan_receivers_are_served_in_order", func() {
		c := make(chan int)
		got := make([]int, 4)
		for i := range got {
			start(func() { got[i] = <-c })
		}
		for i := range got {
			c <- i * 10
		}
		settle()
		say(got[0], got[1], got[2], got[3])
	})
	same("chan_senders_are_served_in_order", func() {
		c := make(chan int)
		for i := 0; i < 4; i++ {
			start(func() { c <- i })
		}
		say(<-c, <-c, <-c, <-c)
	})
	same("chan_full_buffer_takes_senders_in_order", func() {
		c := make(chan int, 2)
		for i := 0; i < 5; i++ {
			start(func() { c <- i })
		}
		for i := 0; i < 5; i++ {
			say(len(c), cap(c), <-c)
		}
		say(len(c))
	})
	same("chan_close_drains_the_buffer", func() {
		c := make(chan int, 3)
		c <- 1
		c <- 2
		close(c)
		for i := 0; i < 3; i++ {
			v, ok := <-c
			say(v, ok)
		}
	})
	same("chan_close_ends_receivers", func() {
		c := make(chan int)
		got := make([]bool, 3)
		for i := range got {
			got[i] = true
			start(func() { _, got[i] = <-c })
		}
		close(c)
		settle()
		say(got[0], got[1], got[2])
	})
	wasm("chan_close_wakes_receivers_last_first", func() {
		c := make(chan int)
		for i := 0; i < 4; i++ {
			start(func() { <-c; say(i) })
		}
		close(c)
		say("closed")
		settle()
	})
	wasm("chan_close_wakes_senders_last_first", func() {
		c := make(chan int)
		for i := 0; i < 3; i++ {
			start(func() { say(i, caught(func() { c <- i })) })
		}
		close(c)
		settle()
	})
	same("chan_range_ends_at_close", func() {
		c := make(chan int)
		start(func() {
			for i := 0; i < 3; i++ {
				c <- i
			}
			close(c)
		})
		for v := range c {
			say(v)
		}
		say("end")
	})
	same("chan_ping_pong", func() {
		ping, pong := make(chan int), make(chan int)
		go func() {
			for v := range ping {
				say("ping", v)
				pong <- v
			}
			close(pong)
		}()
		for i := 0; i < 3; i++ {
			ping <- i
			say("pong", <-pong)
		}
		close(ping)
		_, ok := <-pong
		say(ok)
	})
	same("chan_producer_and_consumer_of_a_buffer", func() {
		c := make(chan int, 2)
		var wg sync.WaitGroup
		wg.Add(1)
		start(func() {
			for v := range c {
				say("r", v)
			}
			wg.Done()
		})
		for i := 0; i < 7; i++ {
			c <- i
			say("s", i)
		}
		close(c)
		wg.Wait()
	})
	same("chan_pipeline", func() {
		stage := func(in chan int, f func(int) int) chan int {
			out := make(chan int)
			go func() {
				for v := range in {
					out <- f(v)
				}
				close(out)
			}()
			return out
		}
		in := make(chan int)
		out := stage(stage(in, func(v int) int { return v * v }), func(v int) int { return v + 1 })
		go func() {
			for i := 1; i <= 4; i++ {
				in <- i
			}
			close(in)
		}()
		for v := range out {
			say(v)
		}
	})
	same("chan_prime_sieve", func() {
		numbers := make(chan int)
		go func() {
			for i := 2; ; i++ {
				numbers <- i
			}
		}()
		source := numbers
		for i := 0; i < 15; i++ {
			prime := <-source
			say(prime)
			from, to := source, make(chan int)
			go func() {
				for {
					if v := <-from; v%prime != 0 {
						to <- v
					}
				}
			}()
			source = to
		}
	})
	same("chan_misuse_panics", func() {
		var none chan int
		say(caught(func() { close(none) }))
		c := make(chan int, 1)
		close(c)
		say(caught(func() { close(c) }))
		say(caught(func() { c <- 1 }))
		n := -1
		say(caught(func() { _ = make(chan int, n) }))
	})
	wasm("go_runs_in_order_of_creation", func() {
		for i := 0; i < 4; i++ {
			go say(i)
		}
		settle()
	})
	wasm("yield_goes_round", func() {
		for i := 0; i < 3; i++ {
			go func() {
				for round := 0; round < 3; round++ {
					say(i, "/", round)
					settle()
				}
			}()
		}
		for i := 0; i < 5; i++ {
			settle()
		}
	})
	wasm("readied_goroutines_run_in_order", func() {
		c := make(chan int)
		for i := 0; i < 4; i++ {
			start(func() { say(i, <-c) })
		}
		for i := 0; i < 4; i++ {
			c <- i
		}
		say("sent")
		settle()
	})
}
