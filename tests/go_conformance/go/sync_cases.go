// SPDX-License-Identifier: Apache-2.0

package main

import (
	"sync"
	"time"
)

func init() {
	same("mutex_waiters_are_served_in_order", func() {
		var m sync.Mutex
		var wg sync.WaitGroup
		m.Lock()
		for i := 0; i < 4; i++ {
			wg.Add(1)
			start(func() {
				m.Lock()
				say(i)
				m.Unlock()
				wg.Done()
			})
		}
		m.Unlock()
		wg.Wait()
	})
	same("mutex_runner_goes_before_the_woken", func() {
		var m sync.Mutex
		m.Lock()
		start(func() {
			m.Lock()
			say("waiter")
			m.Unlock()
		})
		m.Unlock()
		m.Lock()
		say("runner")
		m.Unlock()
		settle()
	})
	same("mutex_starving_waiter_is_handed_the_lock", func() {
		var m sync.Mutex
		m.Lock()
		start(func() {
			m.Lock()
			say("waiter")
			m.Unlock()
		})
		busy(3 * time.Millisecond)
		m.Unlock()
		m.Lock()
		say("runner was faster")
		settle()
		say(m.TryLock())
		m.Unlock()
		m.Lock()
		say("runner again")
		m.Unlock()
	})
	same("mutex_not_starving_runner_stays_first", func() {
		var m sync.Mutex
		m.Lock()
		start(func() {
			m.Lock()
			say("waiter")
			m.Unlock()
		})
		for i := 0; i < 3; i++ {
			m.Unlock()
			m.Lock()
			say("runner", i)
		}
		m.Unlock()
		settle()
	})
	same("mutex_try_lock", func() {
		var m sync.Mutex
		say(m.TryLock(), m.TryLock())
		m.Unlock()
		say(m.TryLock())
	})
	same("rw_mutex_waiting_writer_keeps_readers_out", func() {
		var rw sync.RWMutex
		rw.RLock()
		start(func() {
			rw.Lock()
			say("writer")
			rw.Unlock()
		})
		say(rw.TryRLock(), rw.TryLock())
		start(func() {
			rw.RLock()
			say("reader")
			rw.RUnlock()
		})
		say("unlocks")
		rw.RUnlock()
		settle()
		say(rw.TryLock())
	})
	same("rw_mutex_readers_go_before_the_next_writer", func() {
		var rw sync.RWMutex
		var wg sync.WaitGroup
		readers := 0
		rw.Lock()
		for i := 0; i < 2; i++ {
			wg.Add(1)
			start(func() {
				rw.RLock()
				readers++
				rw.RUnlock()
				wg.Done()
			})
		}
		wg.Add(1)
		start(func() {
			rw.Lock()
			say("second writer after", readers)
			rw.Unlock()
			wg.Done()
		})
		rw.Unlock()
		wg.Wait()
	})
	wasm("rw_mutex_readers_run_in_order", func() {
		var rw sync.RWMutex
		rw.Lock()
		for i := 0; i < 4; i++ {
			start(func() {
				rw.RLock()
				say(i)
				rw.RUnlock()
			})
		}
		rw.Unlock()
		settle()
	})
	same("rw_mutex_readers_share", func() {
		var rw sync.RWMutex
		rw.RLock()
		say(rw.TryRLock(), rw.TryLock())
		rw.RUnlock()
		rw.RUnlock()
		say(rw.TryLock(), rw.TryRLock())
	})
	same("wait_group_waits_for_all", func() {
		var wg sync.WaitGroup
		sum := 0
		for i := 1; i <= 5; i++ {
			wg.Add(1)
			go func() {
				settle()
				sum += i
				wg.Done()
			}()
		}
		wg.Wait()
		say(sum)
		wg.Wait()
		say("again")
	})
	wasm("wait_group_waiters_run_in_order", func() {
		var wg sync.WaitGroup
		wg.Add(1)
		for i := 0; i < 3; i++ {
			start(func() {
				wg.Wait()
				say(i)
			})
		}
		wg.Done()
		say("done")
		settle()
	})
	same("wait_group_misuse_panics", func() {
		var wg sync.WaitGroup
		say(caught(func() { wg.Done() }))
		var again sync.WaitGroup
		again.Add(1)
		start(func() { say(caught(func() { again.Wait() })) })
		again.Done()
		again.Add(1)
		settle()
	})
	same("cond_signal_wakes_in_order", func() {
		var m sync.Mutex
		c := sync.NewCond(&m)
		for i := 0; i < 3; i++ {
			start(func() {
				m.Lock()
				c.Wait()
				say(i)
				m.Unlock()
			})
		}
		for i := 0; i < 3; i++ {
			c.Signal()
			say("signalled")
			settle()
		}
		c.Signal()
		say("nobody")
	})
	wasm("cond_broadcast_wakes_in_order", func() {
		var m sync.Mutex
		c := sync.NewCond(&m)
		for i := 0; i < 4; i++ {
			start(func() {
				m.Lock()
				c.Wait()
				say(i)
				m.Unlock()
			})
		}
		c.Broadcast()
		say("broadcast")
		settle()
	})
	same("cond_queue", func() {
		var m sync.Mutex
		c := sync.NewCond(&m)
		var queue []int
		done := make(chan bool)
		go func() {
			for got := 0; got < 5; got++ {
				m.Lock()
				for len(queue) == 0 {
					c.Wait()
				}
				say(queue[0])
				queue = queue[1:]
				m.Unlock()
			}
			done <- true
		}()
		for i := 0; i < 5; i++ {
			m.Lock()
			queue = append(queue, i)
			m.Unlock()
			c.Signal()
		}
		<-done
	})
	same("once_calls_once_and_all_wait", func() {
		var o sync.Once
		ready := false
		var wg sync.WaitGroup
		for i := 0; i < 3; i++ {
			wg.Add(1)
			start(func() {
				o.Do(func() {
					say("called")
					settle()
					ready = true
				})
				say(ready)
				wg.Done()
			})
		}
		wg.Wait()
	})
	same("once_that_panicked_is_done", func() {
		var o sync.Once
		say(caught(func() { o.Do(func() { panic("boom") }) }))
		say(caught(func() { o.Do(func() { panic("again") }) }))
	})
}
