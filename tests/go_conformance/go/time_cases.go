// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"runtime"
	"sync"
	"time"
)

const ms = time.Millisecond

func init() {
	same("sleepers_wake_in_order_of_deadline", func() {
		var wg sync.WaitGroup
		for _, d := range []int{60, 20, 40} {
			wg.Add(1)
			go func() {
				time.Sleep(time.Duration(d) * ms)
				say(d)
				wg.Done()
			}()
		}
		wg.Wait()
	})
	same("sleep_of_nothing_returns_at_once", func() {
		go say("other")
		time.Sleep(0)
		time.Sleep(-ms)
		say("first")
		settle()
	})
	same("timers_fire_in_order_of_deadline", func() {
		late, soon := time.After(40*ms), time.After(20*ms)
		for i := 0; i < 2; i++ {
			select {
			case <-late:
				say("late")
			case <-soon:
				say("soon")
			}
		}
	})
	same("ticker_drops_what_is_not_taken", func() {
		t := time.NewTicker(20 * ms)
		time.Sleep(110 * ms)
		t.Stop()
		taken := 0
		for {
			select {
			case <-t.C:
				taken++
				continue
			default:
			}
			break
		}
		say(taken <= 1)
	})
	same("ticker_ticks_until_it_is_stopped", func() {
		t := time.NewTicker(10 * ms)
		for i := 0; i < 3; i++ {
			<-t.C
			say("tick", i)
		}
		t.Stop()
		select {
		case <-t.C:
			say("stale")
		case <-time.After(40 * ms):
			say("silent")
		}
	})
	same("timer_stop_and_reset_leave_nothing_stale", func() {
		t := time.NewTimer(ms)
		time.Sleep(20 * ms)
		t.Reset(40 * ms)
		select {
		case <-t.C:
			say("stale")
		case <-time.After(10 * ms):
			say("nothing yet")
		}
		say(t.Stop(), t.Stop())
		select {
		case <-t.C:
			say("stale")
		default:
			say("nothing")
		}
	})
	same("ticker_misuse_panics", func() {
		say(caught(func() { time.NewTicker(0) }))
		t := time.NewTicker(time.Hour)
		say(caught(func() { t.Reset(-1) }))
	})
	same("goexit_runs_what_is_deferred", func() {
		done := make(chan bool)
		go func() {
			defer close(done)
			defer say("deferred")
			func() {
				defer say("inner deferred")
				runtime.Goexit()
			}()
			say("not reached")
		}()
		<-done
		say("main goes on")
	})
	same("locked_to_a_thread_and_still_in_turn", func() {
		c := make(chan int)
		done := make(chan bool)
		go func() {
			runtime.LockOSThread()
			for v := range c {
				say("locked got", v)
			}
			runtime.UnlockOSThread()
			done <- true
		}()
		for i := 0; i < 3; i++ {
			c <- i
			settle()
			say("main", i)
		}
		close(c)
		<-done
	})
	same("main_returns_and_others_are_dropped", func() {
		start(func() {
			time.Sleep(time.Hour)
			say("not reached")
		})
		say("main")
	})
	same("context_cancel_goes_down_and_not_up", func() {
		root, cancelRoot := context.WithCancel(context.Background())
		middle, cancelMiddle := context.WithCancel(root)
		leaf, cancelLeaf := context.WithCancel(middle)
		start(func() { <-leaf.Done(); say("leaf done") })
		cancelMiddle()
		cancelMiddle()
		settle()
		say(root.Err() == nil, middle.Err(), "/", leaf.Err())
		late, cancelLate := context.WithCancel(leaf)
		<-late.Done()
		say("late", late.Err())
		cancelRoot()
		cancelLeaf()
		cancelLate()
	})
	same("context_deadline", func() {
		outer, cancelOuter := context.WithTimeout(context.Background(), 20*ms)
		inner, cancelInner := context.WithTimeout(outer, time.Hour)
		a, _ := outer.Deadline()
		b, _ := inner.Deadline()
		say(a == b)
		<-inner.Done()
		say(inner.Err())
		cancelOuter()
		cancelInner()
		say(outer.Err())
		past, cancelPast := context.WithDeadline(context.Background(), time.Now())
		say(past.Err())
		cancelPast()
	})
	same("context_after_func", func() {
		ctx, cancel := context.WithCancel(context.Background())
		group := make(chan int, 4)
		stopFirst := context.AfterFunc(ctx, func() { group <- 1 })
		stopSecond := context.AfterFunc(ctx, func() { group <- 2 })
		say(stopSecond())
		say(stopSecond())
		cancel()
		say(<-group)
		say(stopFirst())
		stopLate := context.AfterFunc(ctx, func() { group <- 3 })
		say(stopLate())
		say(<-group)
		settle()
		say(len(group))
	})
	same("context_values", func() {
		type key int
		a := context.WithValue(context.Background(), key(1), "alice")
		b, cancel := context.WithCancel(context.WithValue(a, key(2), 7))
		c := context.WithValue(b, key(1), "bob")
		say(c.Value(key(1)), b.Value(key(1)), c.Value(key(2)), a.Value(key(2)) == nil)
		say(a.Done() == nil, c.Done() == b.Done())
		cancel()
	})
	same("context_loop_ends_when_cancelled", func() {
		ctx, cancel := context.WithCancel(context.Background())
		work, done := make(chan int), make(chan bool)
		go func() {
			for {
				select {
				case v := <-work:
					say("work", v)
				case <-ctx.Done():
					say("ends:", ctx.Err())
					done <- true
					return
				}
			}
		}()
		for i := 0; i < 3; i++ {
			work <- i
		}
		settle()
		cancel()
		<-done
	})
	wasm("context_cancel_wakes_waiters_last_first", func() {
		ctx, cancel := context.WithCancel(context.Background())
		for i := 0; i < 3; i++ {
			start(func() { <-ctx.Done(); say(i) })
		}
		cancel()
		settle()
	})
}
