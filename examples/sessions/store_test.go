// SPDX-License-Identifier: Apache-2.0

package sessions

import (
	"sync"
	"testing"
	"time"
)

// A user logs out while a request of theirs is under way: it either finds no session, or has one
// that works until it is released.
func TestLogOutDuringRequest(t *testing.T) {
	store := NewStore(time.Hour, time.Minute)
	store.Open("s1", "ada")
	var request sync.WaitGroup
	request.Add(1)
	go func() {
		defer request.Done()
		session, err := store.Acquire("s1")
		if err != nil {
			return
		}
		defer session.Release()
		if err := session.Conn.Send("hello"); err != nil {
			t.Error(err)
		}
	}()
	_ = store.Expire("s1")
	request.Wait()
	store.Close()
}
