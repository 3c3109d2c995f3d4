package deadline

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// Listener gives the connections of another listener, with deadlines that cost
// next to nothing to move on. A server moves several with every request, and each
// would be a timer: here the connection keeps the earlier one it has until it is
// met, and only then gets the one that was set last.
func Listener(of net.Listener) net.Listener { return listener{of} }

type listener struct{ net.Listener }

// Accept implements net.Listener.
func (l listener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: accepted}, nil
}

type conn struct {
	net.Conn
	reading, writing movable
}

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(at time.Time) error {
	return errors.Join(c.SetReadDeadline(at), c.SetWriteDeadline(at))
}

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(at time.Time) error {
	return c.reading.move(at, c.Conn.SetReadDeadline)
}

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(at time.Time) error {
	return c.writing.move(at, c.Conn.SetWriteDeadline)
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if n > 0 || err == nil || !c.reading.early(err, c.Conn.SetReadDeadline) {
			return n, err
		}
	}
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	for written := 0; ; {
		n, err := c.Conn.Write(p[written:])
		written += n
		if err == nil || !c.writing.early(err, c.Conn.SetWriteDeadline) {
			return written, err
		}
	}
}

// CloseWrite ends what is sent, where the connection can end that alone: net/http
// does so before it closes on a client that is still sending.
func (c *conn) CloseWrite() error {
	if half, can := c.Conn.(interface{ CloseWrite() error }); can {
		return half.CloseWrite()
	}
	return nil
}

// movable is a deadline as it was set, and as the connection has it: the same, or
// earlier. Zero is none.
type movable struct {
	mu       sync.Mutex
	set, has time.Time
}

func (m *movable) move(to time.Time, apply func(time.Time) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set = to
	if m.covers(to) {
		return nil
	}
	m.has = to
	return apply(to)
}

// covers tells whether what the connection has is met no later than the instant.
func (m *movable) covers(at time.Time) bool {
	if at.IsZero() || m.has.IsZero() {
		return at.IsZero()
	}
	return !at.Before(m.has)
}

// early tells whether a failure is that of a deadline which the connection has
// and which was moved on since. It then has the one that was set.
func (m *movable) early(failure error, apply func(time.Time) error) bool {
	if !errors.Is(failure, os.ErrDeadlineExceeded) {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.set.IsZero() && !time.Now().Before(m.set) {
		return false
	}
	m.has = m.set
	return apply(m.set) == nil
}
