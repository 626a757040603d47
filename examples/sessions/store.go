// SPDX-License-Identifier: Apache-2.0

// Package sessions keeps the connections of users who are logged in. A connection is shared by the
// requests of its user and closed when the session has expired and the last request is done with
// it. There is a bug in it: docs/goroutines.md finds it.
package sessions

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// ErrUnknown is what a request gets whose session has expired, or never was.
var ErrUnknown = errors.New("sessions: no such session")

// Conn is what a session is about: a connection to where its user's data is.
type Conn struct {
	user   string
	closed atomic.Bool
	sent   atomic.Int64
}

// Send fails on a closed connection.
func (c *Conn) Send(text string) error {
	if c.closed.Load() {
		return fmt.Errorf("sessions: connection of %s is closed", c.user)
	}
	c.sent.Add(int64(len(text)))
	return nil
}

func (c *Conn) close() { c.closed.Store(true) }

// Session is a connection with the number of those who use it. One use is the store's own, as long
// as the session has not expired.
type Session struct {
	ID      string
	Conn    *Conn
	uses    atomic.Int32
	expires time.Time
}

// Release ends one use. The last one closes the connection.
func (s *Session) Release() {
	if s.uses.Add(-1) == 0 {
		s.Conn.close()
	}
}

// Stats counts what a store has done.
type Stats struct {
	Opened, Expired, Hits, Misses int
}

// Store knows the sessions by their IDs. All of its methods may be called by several goroutines.
type Store struct {
	lock     sync.RWMutex
	sessions map[string]*Session
	lifetime time.Duration
	now      func() time.Time
	stats    Stats
	stop     chan struct{}
	stopped  chan struct{}
}

// NewStore starts a store whose sessions expire after the lifetime; a janitor looks for those at
// each period.
func NewStore(lifetime, period time.Duration) *Store {
	s := &Store{
		sessions: map[string]*Session{},
		lifetime: lifetime,
		now:      time.Now,
		stop:     make(chan struct{}),
		stopped:  make(chan struct{}),
	}
	go s.janitor(period)
	return s
}

// Open makes a session for a user who has logged in.
func (s *Store) Open(id, user string) {
	session := &Session{ID: id, Conn: &Conn{user: user}, expires: s.now().Add(s.lifetime)}
	session.uses.Store(1)
	s.lock.Lock()
	defer s.lock.Unlock()
	s.sessions[id] = session
	s.stats.Opened++
}

// Acquire returns the session for use; Release ends that.
func (s *Store) Acquire(id string) (*Session, error) {
	session := s.find(id)
	if session == nil || s.now().After(session.expires) {
		s.count(false)
		return nil, ErrUnknown
	}
	session.uses.Add(1)
	s.count(true)
	return session, nil
}

func (s *Store) find(id string) *Session {
	s.lock.RLock()
	defer s.lock.RUnlock()
	return s.sessions[id]
}

func (s *Store) count(hit bool) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if hit {
		s.stats.Hits++
	} else {
		s.stats.Misses++
	}
}

// Expire ends a session, as when its user logs out. Requests that use it may finish.
func (s *Store) Expire(id string) error {
	session := s.remove(id)
	if session == nil {
		return ErrUnknown
	}
	session.Release()
	return nil
}

func (s *Store) remove(id string) *Session {
	s.lock.Lock()
	defer s.lock.Unlock()
	session := s.sessions[id]
	if session != nil {
		delete(s.sessions, id)
		s.stats.Expired++
	}
	return session
}

// Stats of the store so far.
func (s *Store) Stats() Stats {
	s.lock.RLock()
	defer s.lock.RUnlock()
	return s.stats
}

// Close stops the janitor and ends all sessions.
func (s *Store) Close() {
	close(s.stop)
	<-s.stopped
	for _, id := range s.ids(func(*Session) bool { return true }) {
		_ = s.Expire(id)
	}
}

func (s *Store) ids(wanted func(*Session) bool) []string {
	s.lock.RLock()
	defer s.lock.RUnlock()
	var ids []string
	for id, session := range s.sessions {
		if wanted(session) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (s *Store) janitor(period time.Duration) {
	defer close(s.stopped)
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-ticker.C:
			now := s.now()
			for _, id := range s.ids(func(x *Session) bool { return now.After(x.expires) }) {
				_ = s.Expire(id)
			}
		}
	}
}
