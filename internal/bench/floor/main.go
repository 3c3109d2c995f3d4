// Command floor is the least that a durable service of this kind must do, to be
// measured beside identity: chi, a bearer key, JSON, one entry in a log with
// group commit, a map. It checks nothing and keeps no views.
package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"
)

type user struct {
	ID         string         `json:"id"`
	Username   string         `json:"username"`
	Email      string         `json:"email,omitempty"`
	Name       string         `json:"name,omitempty"`
	Active     bool           `json:"active"`
	Attributes map[string]any `json:"attributes,omitempty"`
}

type server struct {
	key   [sha256.Size]byte
	log   *groupLog
	mu    sync.RWMutex
	users map[string]*user
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	listen := flag.String("listen", "127.0.0.1:0", "address")
	data := flag.String("data", "", "directory of the log")
	count := flag.Int("users", 0, "users to begin with")
	flag.Parse()
	wal, err := openGroupLog(*data)
	if err != nil {
		return err
	}
	s := &server{key: sha256.Sum256([]byte(os.Getenv("IDENTITY_ADMIN_KEY"))), log: wal, users: map[string]*user{}}
	for i := range *count {
		id := uuid.Must(uuid.NewV7()).String()
		s.users[id] = &user{
			ID: id, Username: fmt.Sprintf("user%d", i), Email: fmt.Sprintf("user%d@example.org", i), Name: "Some Body", Active: true,
			Attributes: map[string]any{"department": "sales", "site": "north", "level": 3},
		}
	}
	router := chi.NewRouter()
	router.Use(s.authenticate)
	router.Get("/users/{id}", s.get)
	router.Get("/users", s.list)
	router.Post("/users", s.post)
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	fmt.Printf("listening on %s\n", listener.Addr())
	return http.Serve(listener, router)
}

func (s *server) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		sum := sha256.Sum256([]byte(key))
		if subtle.ConstantTimeCompare(sum[:], s.key[:]) != 1 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *server) get(w http.ResponseWriter, r *http.Request) {
	s.mu.RLock()
	found := s.users[chi.URLParam(r, "id")]
	s.mu.RUnlock()
	if found == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	reply(w, http.StatusOK, found)
}

// list names some users, for the load to ask for.
func (s *server) list(w http.ResponseWriter, _ *http.Request) {
	items := []*user{}
	s.mu.RLock()
	for _, one := range s.users {
		if items = append(items, one); len(items) == 2000 {
			break
		}
	}
	s.mu.RUnlock()
	reply(w, http.StatusOK, map[string]any{"items": items})
}

func (s *server) post(w http.ResponseWriter, r *http.Request) {
	made := &user{}
	if err := json.NewDecoder(r.Body).Decode(made); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	made.ID = uuid.Must(uuid.NewV7()).String()
	entry, err := json.Marshal(made)
	if err == nil {
		err = s.log.append(entry)
	}
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	s.mu.Lock()
	s.users[made.ID] = made
	s.mu.Unlock()
	reply(w, http.StatusCreated, made)
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		log.Print(err)
	}
}
