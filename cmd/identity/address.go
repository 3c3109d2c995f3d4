package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// addressFile tells other commands where a running serve listens.
const addressFile = "serve.json"

type announcement struct {
	URL string `json:"url"`
	PID int    `json:"pid"`
	// Certificate is the file of the certificate that it shows, if any.
	Certificate string `json:"certificate,omitempty"`
}

// announce writes down where this process serves.
func (d dataDirectory) announce(url, certificate string) error {
	if certificate != "" {
		if absolute, err := filepath.Abs(certificate); err == nil {
			certificate = absolute
		}
	}
	text, err := json.Marshal(announcement{URL: url, PID: os.Getpid(), Certificate: certificate})
	if err != nil {
		return err
	}
	return d.replace(addressFile, string(text)+"\n", secretMode)
}

// announced reads where a running process serves.
func (d dataDirectory) announced() (announcement, error) {
	var a announcement
	raw, err := os.ReadFile(d.file(addressFile))
	if errors.Is(err, os.ErrNotExist) {
		return a, fmt.Errorf("another process has %s, and it is not a serve that is ready: try again, or name one with --url", d.path)
	}
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(raw, &a); err != nil || a.URL == "" {
		return a, fmt.Errorf("%s is damaged: name the running serve with --url", d.file(addressFile))
	}
	return a, nil
}
