// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"runtime"
	"sync"
	"time"
)

// How programs end: compared are the exit code, the first line on stderr, and why main waited.

func init() {
	same("end_panic_send_on_closed", func() { c := make(chan int); close(c); c <- 1 })
	same("end_panic_close_of_closed", func() { c := make(chan int); close(c); close(c) })
	same("end_panic_close_of_nil", func() { var c chan int; close(c) })
	same("end_panic_error", func() { panic(errors.New("an error")) })
	same("end_panic_number", func() { panic(42) })
	same("end_panic_elsewhere", func() {
		go func() { panic(errors.New("in a goroutine")) }()
		time.Sleep(time.Hour)
	})
	same("end_panic_negative_wait_group", func() { var wg sync.WaitGroup; wg.Done() })
	same("end_fatal_unlock", func() { var m sync.Mutex; m.Unlock() })
	same("end_fatal_runlock", func() { var rw sync.RWMutex; rw.RUnlock() })
	same("end_fatal_rw_unlock", func() { var rw sync.RWMutex; rw.Unlock() })
	same("end_deadlock_receive", func() { <-make(chan int) })
	same("end_deadlock_send", func() { make(chan int) <- 1 })
	same("end_deadlock_nil_receive", func() { var c chan int; <-c })
	same("end_deadlock_nil_send", func() { var c chan int; c <- 1 })
	same("end_deadlock_select", func() {
		c, d := make(chan int), make(chan int)
		select {
		case <-c:
		case <-d:
		}
	})
	same("end_deadlock_select_nothing", func() { select {} })
	same("end_deadlock_mutex", func() { var m sync.Mutex; m.Lock(); m.Lock() })
	same("end_deadlock_read_lock", func() { var rw sync.RWMutex; rw.Lock(); rw.RLock() })
	same("end_deadlock_write_lock", func() { var rw sync.RWMutex; rw.RLock(); rw.Lock() })
	same("end_deadlock_wait_group", func() { var wg sync.WaitGroup; wg.Add(1); wg.Wait() })
	same("end_deadlock_cond", func() {
		var m sync.Mutex
		c := sync.NewCond(&m)
		m.Lock()
		c.Wait()
	})
	same("end_deadlock_after_work", func() {
		c := make(chan int)
		go func() { c <- 1 }()
		say(<-c)
		time.Sleep(5 * time.Millisecond)
		say(<-c)
	})
	same("end_goexit_of_main", func() {
		go func() {
			time.Sleep(5 * time.Millisecond)
			say("others go on")
		}()
		runtime.Goexit()
	})
	same("end_goexit_of_main_with_others_asleep", func() {
		start(func() { <-make(chan int) })
		runtime.Goexit()
	})
}
