package deadline_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed5b6a70b4/identity/internal/deadline"
)

// one is a listener of one connection, which counts the deadlines it is given.
type one struct {
	net.Conn
	moves int
}

func (o *one) Accept() (net.Conn, error) { return o, nil }
func (o *one) Addr() net.Addr            { return o.LocalAddr() }

func (o *one) SetReadDeadline(at time.Time) error {
	o.moves++
	return o.Conn.SetReadDeadline(at)
}

// accepted is a connection of a Listener, the one below it, and its other end.
func accepted(t *testing.T) (conn net.Conn, below *one, other net.Conn) {
	t.Helper()
	mine, other := net.Pipe()
	below = &one{Conn: mine}
	conn, err := deadline.Listener(below).Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(conn.Close(), other.Close()) })
	return conn, below, other
}

// readFor is how long a read lasts that nothing comes for, and whether a deadline
// ended it.
func readFor(conn net.Conn) (time.Duration, bool) {
	begun := time.Now()
	_, err := conn.Read(make([]byte, 1))
	return time.Since(begun), errors.Is(err, os.ErrDeadlineExceeded)
}

func TestAReadEndsAtTheDeadlineThatWasSetLast(t *testing.T) {
	for name, set := range map[string][]time.Duration{
		"once":          {3 * time.Second},
		"later":         {time.Second, 3 * time.Second},
		"earlier":       {5 * time.Second, 3 * time.Second},
		"to and fro":    {2 * time.Second, 9 * time.Second, time.Second, 3 * time.Second},
		"after it past": {-time.Second, 3 * time.Second},
		"past":          {3 * time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, _, _ := accepted(t)
				want := set[len(set)-1]
				for _, in := range set {
					if err := conn.SetReadDeadline(time.Now().Add(in)); err != nil {
						t.Fatal(err)
					}
				}
				for range 2 { // what is over stays over
					if took, ended := readFor(conn); took != want || !ended {
						t.Errorf("a read took %v, ended by a deadline: %v; not %v", took, ended, want)
					}
					want = 0
				}
			})
		})
	}
}

func TestADeadlineThatWasTakenAwayEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, _, other := accepted(t)
		for _, at := range []time.Time{time.Now().Add(time.Second), {}} {
			if err := conn.SetDeadline(at); err != nil {
				t.Fatal(err)
			}
		}
		go func() {
			time.Sleep(time.Hour)
			_, _ = other.Write([]byte("x"))
		}()
		if took, ended := readFor(conn); took != time.Hour || ended {
			t.Errorf("a read took %v, ended by a deadline: %v", took, ended)
		}
	})
}

func TestABlockedReadEndsWhenItsDeadlineIsMovedToThePast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, _, _ := accepted(t)
		if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(time.Second)
			_ = conn.SetReadDeadline(time.Unix(1, 0))
		}()
		if took, ended := readFor(conn); took != time.Second || !ended {
			t.Errorf("the read took %v, ended by a deadline: %v", took, ended)
		}
	})
}

func TestAWriteGoesOnWhereAnEarlierDeadlineMetIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, _, other := accepted(t)
		begun := time.Now()
		for _, in := range []time.Duration{time.Second, 3 * time.Second} {
			if err := conn.SetWriteDeadline(begun.Add(in)); err != nil {
				t.Fatal(err)
			}
		}
		go func() {
			half := make([]byte, 4)
			_, _ = io.ReadFull(other, half)
			time.Sleep(2 * time.Second)
			_, _ = io.ReadFull(other, half[:2])
		}()
		n, err := conn.Write([]byte("deadline"))
		if n != 6 || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begun) != 3*time.Second {
			t.Errorf("wrote %d bytes in %v: %v", n, time.Since(begun), err)
		}
	})
}

func TestADeadlineThatMovesOnIsSetOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, below, _ := accepted(t)
		for range 1000 {
			if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		if below.moves != 1 {
			t.Errorf("the connection was given %d deadlines", below.moves)
		}
		if took, ended := readFor(conn); took != time.Minute-time.Millisecond || !ended || below.moves != 2 {
			t.Errorf("a read took %v, ended by a deadline: %v, with %d deadlines given", took, ended, below.moves)
		}
	})
}
