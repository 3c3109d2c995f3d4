package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
)

// freeAddress is one that nothing listens on, for a service that is to come back
// where it was.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// copiedService is an embedded directory whose service can come and go, and the
// environment of its replicas.
type copiedService struct {
	*process
	t       *testing.T
	dir     string
	address string
	env     []string
}

func newSource(t *testing.T) *copiedService {
	t.Helper()
	t.Setenv(adminVar, cloudAdminKey)
	t.Setenv(fromVar, cloudAdminKey)
	f := &copiedService{t: t, dir: t.TempDir(), address: freeAddress(t)}
	f.start()
	f.env = append(os.Environ(), "IDENTITY_DRAIN_DELAY=0s", claimVar+"="+claimKeyOf(t, f.data()))
	return f
}

func (f *copiedService) data() string { return filepath.Join(f.dir, "identity-data") }

func (f *copiedService) start() { f.process = mustStart(f.t, f.dir, "--listen", f.address) }

func (f *copiedService) kill(p *process) {
	f.t.Helper()
	if err := p.signal(syscall.SIGKILL); err != nil {
		f.t.Fatal(err)
	}
	p.wait()
}

// replica starts one.
func (f *copiedService) replica(data string) *process {
	f.t.Helper()
	return mustStartWith(f.t, f.dir, f.env, "replicate", "--from", f.url, "--listen", "127.0.0.1:0", "--data", data)
}

// A replica that is killed again and again, and whose source is too, becomes a copy of
// it in the same order, takes over, and is then followed by the old one.
func TestReplicaKilledAgainAndAgain(t *testing.T) {
	const lives = 4
	f := newSource(t)
	data := filepath.Join(f.dir, "replica")
	l := underLoad(t, 2, 0, f.url)
	until(t, &l.acknowledged, 50)
	for life := range lives {
		replica := f.replica(data)
		at := l.acknowledged.Load()
		until(t, &l.acknowledged, at+50)
		// Between which two of its imports the kill falls is for chance to say.
		time.Sleep(rand.N(50 * time.Millisecond))
		if life%2 == 1 {
			f.kill(f.process)
			f.start()
			at = l.acknowledged.Load()
			until(t, &l.acknowledged, at+10)
		}
		f.kill(replica)
	}
	fails(t, "this store follows "+f.url+": serve it with `identity replicate --from "+f.url+"`", "serve", "--data", data, "--listen", "127.0.0.1:0")
	fails(t, "give --lost if that service is no more", "promote", "--data", data)
	replica := f.replica(data)
	id, token := newUser(t, f.url, "listed")
	visible(t, replica.url, id, token)
	listed := ask(t, f.url+"/users?limit=1", "", "").token
	eventually(t, serversTime, "a token of a list is met", func() error {
		if got := ask(t, replica.url+"/users?limit=1", listed, ""); got.status != 200 {
			return fmt.Errorf("%d %s", got.status, got.body)
		}
		return nil
	})
	epoch := epochOf(t, f.url)
	mustRun(t, "promote", "--data", data)
	says(t, f.url+"/users", "", `{"username":"nobody"}`, 503, "store_closed")
	l.stop()
	l.nothingLost(epoch, everyCommit(t, f.url), everyCommit(t, replica.url))
	mustRun(t, "verify", "--data", data)

	_ = f.signal(syscall.SIGTERM)
	f.wait()
	reseeded := mustStartWith(t, f.dir, f.env, "replicate", "--from", replica.url, "--listen", "127.0.0.1:0", "--data", f.data())
	id, token = newUser(t, replica.url, "new-life")
	visible(t, reseeded.url, id, token)
	says(t, reseeded.url+"/store", "", "", 200, `"role":"replica"`)
	f.kill(reseeded)
	_ = replica.signal(syscall.SIGTERM)
	replica.wait()
	sameBeginning(t, logOf(t, data), logOf(t, f.data()), 1)
}

// While its source is away a replica answers reads, tells that it is behind and does
// not take over by itself; it goes on when the source is back. It may begin with a
// backup.
func TestSourceAway(t *testing.T) {
	f := newSource(t)
	id, token := newUser(t, f.url, "homer")
	data := filepath.Join(f.dir, "replica")
	mustRun(t, "backup", "--data", f.data(), data)
	replica := f.replica(data)
	readsAsReplica(t, replica.url, id, token)
	awaitNoLag(t, replica.url)
	listed := ask(t, f.url+"/users?limit=1", "", "").token
	says(t, replica.url+"/users?limit=1", listed, "", 200, "items")
	fails(t, "only that one can be followed", "replicate", "--from", replica.url, "--data", filepath.Join(f.dir, "third"), "--listen", "127.0.0.1:0")

	f.kill(f.process)
	eventually(t, serversTime, "the replica tells that it is behind", func() error {
		got := ask(t, replica.url+"/store", "", "")
		if !strings.Contains(got.body, `"failing"`) || strings.Contains(got.body, `"lagSeconds":0,`) {
			return fmt.Errorf("%d %s", got.status, got.body)
		}
		return nil
	})
	says(t, replica.url+"/users/"+id, token, "", 200, id)
	says(t, replica.url+"/readyz", "", "", 200, `"replica"`)
	f.start()
	id, token = newUser(t, f.url, "marge")
	visible(t, replica.url, id, token)
	awaitNoLag(t, replica.url)
}

// A replica whose key is refused says so and reads on, and follows when the key is good:
// the source may be told of it, too.
func TestARefusedReplicaSaysSo(t *testing.T) {
	const other = "another-key-of-an-admin-0123456789-0123456789"
	f := newSource(t)
	id, token := newUser(t, f.url, "homer")
	data := filepath.Join(f.dir, "replica")
	replica := f.replica(data)
	visible(t, replica.url, id, token)
	f.kill(replica)
	f.env = append(f.env, fromVar+"="+other)
	replica = f.replica(data)
	says(t, replica.url+"/users/"+id, token, "", 200, id)
	eventually(t, serversTime, "the replica says that it is refused", func() error {
		ready, metrics := ask(t, replica.url+"/readyz", "", ""), ask(t, replica.url+"/metrics", "", "")
		if !strings.Contains(ready.body, `{"name":"replica","position":0,"behind":0,"failing":"the followed service refuses: 401 Unauthorized","parked":0}`) ||
			!strings.Contains(metrics.body, "\nidentity_replica_failing 1\n") {
			return fmt.Errorf("%d %s", ready.status, ready.body)
		}
		return nil
	})
	replica.await(t, "the key sent is that of "+fromVar)
	f.kill(f.process)
	t.Setenv(adminVar, other)
	f.start()
	awaitNoLag(t, replica.url)
	if got := ask(t, replica.url+"/readyz", "", ""); strings.Contains(got.body, "failing") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// Another directory that is served where the followed one was is not followed, and not
// closed by a replica that is to take over.
func TestAStrangerIsNotClosed(t *testing.T) {
	f := newSource(t)
	data := filepath.Join(f.dir, "replica")
	replica := f.replica(data)
	id, token := newUser(t, f.url, "homer")
	visible(t, replica.url, id, token)
	eventually(t, serversTime, "a place is noted", func() error {
		record, err := replicaRecordFile{dataDirectory{data}}.load(t.Context())
		if err == nil && record.After == "" {
			err = errNotYet
		}
		return err
	})
	f.kill(f.process)
	f.dir = t.TempDir()
	f.start()
	eventually(t, serversTime, "the replica says that it is a stranger", func() error {
		if ready := ask(t, replica.url+"/readyz", "", ""); !strings.Contains(ready.body, `"failing":"`+errStranger.Error()+`"`) {
			return fmt.Errorf("%d %s", ready.status, ready.body)
		}
		return nil
	})
	fails(t, "not taken over: read the followed store before it is closed: ", "promote", "--data", data)
	says(t, f.url+"/store", "", "", 200, `"role":"primary"`)
	newUser(t, f.url, "marge")
	says(t, replica.url+"/store", "", "", 200, `"role":"replica"`)
}

// Where nobody answers, the first start says so and waits.
func TestAFirstStartSaysThatItWaits(t *testing.T) {
	f := newSource(t)
	f.kill(f.process)
	data := filepath.Join(f.dir, "replica")
	p := &process{command: exec.CommandContext(t.Context(), os.Args[0], "replicate", "--from", f.url, "--listen", "127.0.0.1:0", "--data", data), ended: make(chan struct{}), added: make(chan struct{})}
	p.command.Env = append(f.env, beIdentity+"=1")
	output, err := p.command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	go p.read(output, ready)
	kill(t, p)
	p.await(t, "it is tried again")
	f.start()
	select {
	case <-ready:
	case <-p.ended:
		t.Error("it ended")
	}
	id, token := newUser(t, f.url, "homer")
	visible(t, p.url, id, token)
}

// A source that is lost is given up only when that is said; what it told is there.
func TestSourceLost(t *testing.T) {
	f := newSource(t)
	data := filepath.Join(f.dir, "replica")
	replica := f.replica(data)
	id, token := newUser(t, f.url, "homer")
	visible(t, replica.url, id, token)
	f.kill(f.process)
	fails(t, "not taken over: ", "promote", "--data", data)
	says(t, replica.url+"/store", "", "", 200, `"role":"replica"`)
	f.start()
	id, token = newUser(t, f.url, "marge")
	visible(t, replica.url, id, token)
	f.kill(f.process)
	if out := mustRun(t, "promote", "--lost", "--data", data); !strings.Contains(out, "was given up") {
		t.Errorf("promote says %q", out)
	}
	says(t, replica.url+"/users/"+id, token, "", 400, "foreign_token")
	says(t, replica.url+"/users/"+id, "", "", 200, id)
	newUser(t, replica.url, "lisa")
	if out := mustRun(t, "promote", "--data", data); !strings.Contains(out, "has begun already; the followed service was given up") {
		t.Errorf("promoted again, it says %q", out)
	}
}

// A promotion that is killed at any moment is asked for again, or done.
func TestPromotionKilled(t *testing.T) {
	f := newSource(t)
	newUser(t, f.url, "homer")
	data := filepath.Join(f.dir, "replica")
	replica := f.replica(data)
	until := time.Now().Add(serversTime)
	for patience := time.Millisecond; ; patience *= 2 {
		order := ask(t, replica.url+"/store:promote", "", `{"lost":false}`)
		if order.status != 202 {
			t.Fatalf("%d %s", order.status, order.body)
		}
		// Where it is by then is for chance to say.
		time.Sleep(patience)
		f.kill(replica)
		again, err := startCommand(context.WithoutCancel(t.Context()), f.dir, f.env, "replicate", "--from", f.url, "--listen", "127.0.0.1:0", "--data", data)
		if err == nil {
			kill(t, again)
			replica = again
			if time.Now().After(until) {
				t.Fatal("it never takes over")
			}
			continue
		}
		if !strings.Contains(err.Error(), "has taken over") {
			t.Fatal(err)
		}
		break
	}
	t.Setenv(claimVar, claimKeyOf(t, f.data()))
	fails(t, "has taken over", "replicate", "--from", f.url, "--listen", "127.0.0.1:0", "--data", data)
	served := mustStart(t, f.dir, "--data", data)
	newUser(t, served.url, "marge"+uuid.NewString())
	says(t, served.url+"/store", "", "", 200, `"role":"primary"`)
	says(t, f.url+"/users", "", `{"username":"nobody"}`, 503, "store_closed")
}

// At rest, a replica takes over when its source is said to be lost.
func TestPromotionAtRest(t *testing.T) {
	f := newSource(t)
	data := filepath.Join(f.dir, "replica")
	replica := f.replica(data)
	id, token := newUser(t, f.url, "homer")
	visible(t, replica.url, id, token)
	f.kill(replica)
	f.kill(f.process)
	// Cut off before it is forgotten who was followed, it is known that it took over.
	record, err := os.ReadFile(filepath.Join(data, replicaFile))
	if err != nil {
		t.Fatal(err)
	}
	mustRun(t, "promote", "--lost", "--data", data)
	if err := os.WriteFile(filepath.Join(data, replicaFile), record, secretMode); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(data, claimFile)
	if err := os.Rename(secret, secret+".lost"); err != nil {
		t.Fatal(err)
	}
	fails(t, errSecretLost.Error(), "serve", "--data", data, "--listen", "127.0.0.1:0")
	if err := os.Rename(secret+".lost", secret); err != nil {
		t.Fatal(err)
	}
	if out := mustRun(t, "promote", "--lost", "--data", data); !strings.Contains(out, "has begun already, which took over from "+f.url) {
		t.Errorf("promoted again, it says %q", out)
	}
	fails(t, "it has taken over already: serve it", "promote", "--lost", "--data", data)
	fails(t, "there is nothing to take over", "promote", "--lost", "--data", f.data())
	served := mustStart(t, f.dir, "--data", data)
	says(t, served.url+"/users/"+id, token, "", 400, "foreign_token")
	says(t, served.url+"/users/"+id, "", "", 200, id)
	newUser(t, served.url, "marge")
	fails(t, "if it was a replica, it has taken over already", "promote", "--lost", "--url", served.url)
}
