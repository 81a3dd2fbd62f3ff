// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authzen

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/engine"
	"behalf.dev/behalf/internal/frontdoor"
)

const (
	// Door is the name of this front door in logs and metrics.
	Door = "authzen"
	// Audience is what a PEP's service account token must be made for.
	Audience = "behalf-authzen"
	// MaxBody is the largest request body in bytes.
	MaxBody = 64 << 10

	evaluationPath = "/access/v1/evaluation"
	metadataPath   = "/.well-known/authzen-configuration"

	headerRequestID = "X-Request-ID"
	maxRequestID    = 128
)

// Options of a handler.
type Options struct {
	Judge *frontdoor.Judge
	// Peers that may ask. With none, nobody may.
	Peers []authz.Actor
	// URL is the policy decision point identifier (section 9 of the specification): https, without query and fragment.
	// Where it is empty, the metadata name the host that was asked.
	URL string
}

type handler struct {
	judge *frontdoor.Judge
	peers map[authz.Actor]bool
	url   string
}

// NewHandler serves the API.
func NewHandler(options Options) http.Handler {
	h := &handler{judge: options.Judge, peers: map[authz.Actor]bool{}, url: strings.TrimSuffix(options.URL, "/")}
	for _, peer := range options.Peers {
		h.peers[peer] = true
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+evaluationPath, h.evaluate)
	mux.HandleFunc("GET "+metadataPath, h.metadata)
	return echo(mux)
}

// echo gives the request identifier back (section 10.1 of the specification), on errors too.
func echo(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id := r.Header.Get(headerRequestID); id != "" {
			w.Header().Set(headerRequestID, id)
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

func (h *handler) evaluate(w http.ResponseWriter, r *http.Request) {
	if h.judge.Snapshots.Current().Trust() == nil {
		h.cannotDecide(requestID(r)).write(w)
		return
	}
	peer, refused := h.authenticate(r)
	if refused == nil {
		refused = isJSON(r)
	}
	if refused != nil {
		refused.write(w)
		return
	}
	raw, refused := body(w, r)
	if refused != nil {
		refused.write(w)
		return
	}
	asked, err := decode(raw)
	if err != nil {
		(&problem{http.StatusBadRequest, err.Error()}).write(w)
		return
	}
	caller := frontdoor.Caller{Door: Door, RequestID: requestID(r), Peer: peer.String()}
	event := h.judge.Answer(caller, func(*engine.Snapshot, time.Time) *authz.Request { return asked.request() })
	writeJSON(w, respond(event.Decision))
}

func requestID(r *http.Request) string {
	id := r.Header.Get(headerRequestID)
	return id[:min(len(id), maxRequestID)]
}

const noTrust = "no trust bundle has come yet, so nobody can be authenticated"

// cannotDecide has the deny of a question that nobody may be told apart for counted and recorded like any other.
func (h *handler) cannotDecide(id string) *problem {
	h.judge.Answer(frontdoor.Caller{Door: Door, RequestID: id}, func(*engine.Snapshot, time.Time) *authz.Request {
		r := &authz.Request{}
		frontdoor.Refuse(r, authz.ReasonStaleBundle, noTrust)
		return r
	})
	return &problem{http.StatusServiceUnavailable, noTrust}
}

// authenticate establishes the PEP.
func (h *handler) authenticate(r *http.Request) (authz.Actor, *problem) {
	trust := h.judge.Snapshots.Current().Trust() // without one, no token is good
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return authz.Actor{}, unauthorized("exactly one Authorization header is needed: Bearer and a service account token for the audience " + Audience)
	}
	scheme, raw, found := strings.Cut(values[0], " ")
	if !found || !strings.EqualFold(scheme, "bearer") {
		return authz.Actor{}, unauthorized("the Authorization header is not of the form 'Bearer TOKEN'")
	}
	peer, _, err := trust.Actor(raw, Audience, h.judge.Clock())
	if err != nil {
		return authz.Actor{}, unauthorized(err.Error())
	}
	if !h.peers[peer] {
		return authz.Actor{}, &problem{http.StatusForbidden, fmt.Sprintf("%s is not one of the peers that may ask", peer)}
	}
	return peer, nil
}

func isJSON(r *http.Request) *problem {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" {
		return &problem{http.StatusBadRequest, "the Content-Type must be application/json"}
	}
	return nil
}

func body(w http.ResponseWriter, r *http.Request) ([]byte, *problem) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &problem{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", MaxBody)}
	case err != nil:
		return nil, &problem{http.StatusBadRequest, "the body could not be read"}
	default:
		return raw, nil
	}
}

// problem is an error about the use of the API (section 10.1 of the specification): a status and a message string.
type problem struct {
	status  int
	message string
}

func unauthorized(message string) *problem { return &problem{http.StatusUnauthorized, message} }

func (p *problem) write(w http.ResponseWriter) {
	if p.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="behalf-authzen"`)
	}
	http.Error(w, p.message, p.status)
}

// metadata of the policy decision point: what is not listed is not offered.
type metadata struct {
	PolicyDecisionPoint      string `json:"policy_decision_point"`
	AccessEvaluationEndpoint string `json:"access_evaluation_endpoint"`
}

func (h *handler) metadata(w http.ResponseWriter, r *http.Request) {
	url := h.url
	if url == "" {
		url = schemeOf(r) + "://" + r.Host
	}
	writeJSON(w, metadata{PolicyDecisionPoint: url, AccessEvaluationEndpoint: url + evaluationPath})
}

func schemeOf(r *http.Request) string {
	if r.TLS == nil {
		return "http"
	}
	return "https"
}

func writeJSON(w http.ResponseWriter, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		(&problem{http.StatusInternalServerError, "the answer could not be written"}).write(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Write(append(raw, '\n')) //nolint:errcheck // nobody is left to be told
}
