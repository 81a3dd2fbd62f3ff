// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// check is one line of readiness: what it is about, and what stands in the way.
type check struct {
	name string
	// ready is nil where nothing stands in the way.
	ready func() error
	// says what is the case while ready; empty for just that.
	says func() string
}

// remarks are worth reading and no reason to be unready.
type remarks func() []string

// health answers /healthz and /readyz in words: unlike controller-runtime's handlers, which withhold the reason.
func health(checks []check, further remarks) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "alive") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		status, lines := readiness(checks)
		answer(w, status, slices.Concat(lines, further())...)
	})
	return mux
}

func readiness(checks []check) (status int, lines []string) {
	status, lines = http.StatusOK, []string{"ready"}
	for _, c := range checks {
		if err := c.ready(); err != nil {
			status, lines[0] = http.StatusServiceUnavailable, "not ready"
			lines = append(lines, fmt.Sprintf("[-] %s: %v", c.name, err))
			continue
		}
		line := "[+] " + c.name
		if c.says != nil {
			line += ": " + c.says()
		}
		lines = append(lines, line)
	}
	return status, lines
}

func answer(w http.ResponseWriter, status int, lines ...string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, strings.Join(lines, "\n")+"\n") // whoever asked and went away needs no answer
}

// httpServer is a server with bounds for peers that are slow or large.
func httpServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
}
