// SPDX-License-Identifier: Apache-2.0

package main

import (
	"sync"
	"time"
)

// even says whether each of the counts is within a tenth of the mean.
func even(counts ...int) bool {
	total := 0
	for _, n := range counts {
		total += n
	}
	mean := total / len(counts)
	for _, n := range counts {
		if n < mean*9/10 || n > mean*11/10 {
			return false
		}
	}
	return true
}

func init() {
	same("select_does_the_one_that_is_ready", func() {
		a, b := make(chan int, 1), make(chan int, 1)
		b <- 2
		select {
		case v := <-a:
			say("a", v)
		case v := <-b:
			say("b", v)
		}
		select {
		case v := <-b:
			say("b", v)
		case a <- 3:
			say("sent", len(a))
		}
	})
	same("select_default_and_nil", func() {
		var none chan int
		c := make(chan int)
		for i := 0; i < 3; i++ {
			select {
			case <-c:
				say("c")
			case <-none:
				say("nil receive")
			case none <- 1:
				say("nil send")
			default:
				say("default")
			}
		}
	})
	same("select_closed_is_ready", func() {
		c, d := make(chan int), make(chan int)
		close(c)
		select {
		case v, ok := <-c:
			say(v, ok)
		case <-d:
			say("d")
		}
	})
	same("select_odds_are_even", func() {
		c, d, e := make(chan int), make(chan int), make(chan int)
		close(c)
		close(d)
		close(e)
		var n [3]int
		for i := 0; i < 30000; i++ {
			select {
			case <-c:
				n[0]++
			case <-d:
				n[1]++
			case <-e:
				n[2]++
			}
		}
		say(even(n[0], n[1], n[2]))
	})
	same("select_odds_are_even_among_those_ready", func() {
		a, c, d := make(chan int), make(chan int), make(chan int, 1)
		var none chan int
		close(c)
		var n [4]int
		for i := 0; i < 30000; i++ {
			select {
			case <-a:
				n[0]++
			case <-none:
				n[1]++
			case <-c:
				n[2]++
			case d <- 1:
				n[3]++
				<-d
			}
		}
		say(n[0], n[1], even(n[2], n[3]))
	})
	same("select_one_channel_in_two_cases", func() {
		c := make(chan int, 1)
		var n [2]int
		for i := 0; i < 20000; i++ {
			c <- i
			select {
			case <-c:
				n[0]++
			case <-c:
				n[1]++
			}
		}
		say(even(n[0], n[1]))
	})
	same("select_waits_for_the_first", func() {
		a, b := make(chan int), make(chan int)
		var wg sync.WaitGroup
		wg.Add(1)
		start(func() {
			for i := 0; i < 3; i++ {
				select {
				case v, ok := <-a:
					say("a", v, ok)
				case b <- 9:
					say("b sent")
				}
			}
			wg.Done()
		})
		a <- 1
		settle()
		v := <-b
		settle()
		say("got", v)
		close(a)
		wg.Wait()
	})
	same("select_waits_in_line", func() {
		c, d := make(chan int), make(chan int)
		got := make([]int, 3)
		start(func() { got[0] = <-c })
		start(func() {
			select {
			case got[1] = <-c:
			case <-d:
			}
		})
		start(func() { got[2] = <-c })
		for i := 1; i <= 3; i++ {
			c <- i
		}
		settle()
		say(got[0], got[1], got[2])
	})
	same("select_loser_has_left_the_line", func() {
		c, d := make(chan int), make(chan int)
		start(func() {
			select {
			case v := <-c:
				say("c", v)
			case v := <-d:
				say("d", v)
			}
		})
		d <- 1
		select {
		case c <- 2:
			say("somebody took it")
		default:
			say("nobody there")
		}
		settle()
	})
	same("select_two_meet", func() {
		a, b := make(chan int), make(chan int)
		done := make(chan bool)
		one := func() {
			select {
			case a <- 1:
			case v := <-b:
				say(v == 2)
			}
			done <- true
		}
		two := func() {
			select {
			case v := <-a:
				say(v == 1)
			case b <- 2:
			}
			done <- true
		}
		start(one)
		start(two)
		<-done
		<-done
	})
	same("select_send_on_closed_panics", func() {
		c, d := make(chan int), make(chan int)
		start(func() {
			say(caught(func() {
				select {
				case c <- 1:
				case <-d:
				}
			}))
		})
		close(c)
		settle()
		say(caught(func() {
			select {
			case c <- 1:
			default:
			}
		}))
	})
	same("select_timeout", func() {
		c := make(chan int)
		select {
		case <-c:
			say("c")
		case <-time.After(5 * time.Millisecond):
			say("timeout")
		}
		go func() {
			time.Sleep(5 * time.Millisecond)
			c <- 1
		}()
		select {
		case v := <-c:
			say("c", v)
		case <-time.After(10 * time.Second):
			say("timeout")
		}
	})
	wasm("select_closed_wakes_with_plain_receivers", func() {
		c, d := make(chan int), make(chan int)
		start(func() { <-c; say(0) })
		start(func() {
			select {
			case <-c:
			case <-d:
			}
			say(1)
		})
		start(func() { <-c; say(2) })
		close(c)
		settle()
	})
}
