// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
)

// askExtAuthz asks as Envoy does for a request that the actor sends, with the subject's token and its own.
func (s *Stack) askExtAuthz(ctx context.Context, authorizer *Authorizer, question Question, subject string, answer *Answer) error {
	actor, err := s.actorToken(ctx, question)
	if err != nil {
		return err
	}
	response, err := authorizer.extAuthz.Check(ctx, checkRequest(question, subject, actor, answer.requestID))
	if err != nil {
		return fmt.Errorf("asking %s over ext_authz: %w", authorizer.Name, err)
	}
	if response.GetOkResponse() != nil {
		answer.Allowed = true
		return nil
	}
	headers := map[string]string{}
	for _, h := range response.GetDeniedResponse().GetHeaders() {
		headers[h.GetHeader().GetKey()] = h.GetHeader().GetValue()
	}
	answer.Leg, answer.Reason = headers["x-behalf-leg"], headers["x-behalf-reason"]
	return nil
}

func (s *Stack) actorToken(ctx context.Context, question Question) (string, error) {
	namespace, name, ok := strings.Cut(question.Actor, "/")
	if !ok {
		return "", nil
	}
	return s.tokens.get("actor "+question.Actor+" "+question.Audience, func() (string, error) {
		return s.ServiceAccountToken(ctx, namespace, name, question.Audience)
	})
}

// checkRequest is what Envoy makes of a request, as its check_request_utils.cc does.
func checkRequest(question Question, subject, actor, requestID string) *authv3.CheckRequest {
	headers := map[string]string{
		":authority": question.HTTP.Host, ":method": question.HTTP.Method, ":path": question.HTTP.Path, ":scheme": "https",
		"x-request-id": requestID,
	}
	if subject != "" {
		headers["authorization"] = "Bearer " + subject
	}
	if actor != "" {
		headers["behalf-actor-token"] = actor
	}
	extensions := map[string]string{}
	for name, value := range question.Context {
		extensions["context."+name] = fmt.Sprint(value)
	}
	return &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Source:      peer("10.0.0.7"),
		Destination: peer("10.0.0.8"),
		Request: &authv3.AttributeContext_Request{Http: &authv3.AttributeContext_HttpRequest{
			Id: requestID, Method: question.HTTP.Method, Host: question.HTTP.Host, Path: question.HTTP.Path,
			Scheme: "https", Protocol: "HTTP/2", Headers: headers,
		}},
		ContextExtensions: extensions,
	}}
}

func peer(address string) *authv3.AttributeContext_Peer {
	return &authv3.AttributeContext_Peer{Address: &corev3.Address{Address: &corev3.Address_SocketAddress{
		SocketAddress: &corev3.SocketAddress{Address: address, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: 443}},
	}}}
}

// askAuthZEN asks as an API does that verified the tokens of its caller itself and vouches for them.
func (s *Stack) askAuthZEN(ctx context.Context, authorizer *Authorizer, question Question, subject string, answer *Answer) error {
	body, err := evaluation(question, subject)
	if err != nil {
		return err
	}
	pep, err := s.tokens.get("pep", func() (string, error) {
		return s.ServiceAccountToken(ctx, Namespace, PEP, "behalf-authzen")
	})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+authorizer.AuthZEN+"/access/v1/evaluation", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("asking %s over AuthZEN: %w", authorizer.Name, err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+pep)
	request.Header.Set("X-Request-ID", answer.requestID)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("asking %s over AuthZEN: %w", authorizer.Name, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		said, err := io.ReadAll(io.LimitReader(response.Body, 1<<16))
		return errors.Join(fmt.Errorf("asking %s over AuthZEN: %s: %s", authorizer.Name, response.Status, bytes.TrimSpace(said)), err)
	}
	var said struct {
		Decision bool `json:"decision"`
		Context  struct {
			Leg    string `json:"leg"`
			Reason string `json:"reason"`
		} `json:"context"`
	}
	if err := json.NewDecoder(response.Body).Decode(&said); err != nil {
		return fmt.Errorf("reading the answer of %s: %w", authorizer.Name, err)
	}
	answer.Allowed, answer.Leg, answer.Reason = said.Decision, said.Context.Leg, said.Context.Reason
	return nil
}

// evaluation is the body of an access evaluation (AuthZEN 1.0 section 6) with Behalf's properties.
func evaluation(question Question, subject string) ([]byte, error) {
	claims, err := claimsOf(subject)
	if err != nil {
		return nil, err
	}
	context := map[string]any{"audience": question.Audience, "actor": question.Actor}
	if len(question.Via) > 0 {
		context["via"] = question.Via
	}
	maps.Copy(context, question.Context)
	resource := map[string]any{"type": question.Resource.Type, "id": question.Resource.ID}
	if question.Resource.Properties != nil {
		resource["properties"] = question.Resource.Properties
	}
	return json.Marshal(map[string]any{
		"subject": map[string]any{"type": "user", "id": claims["sub"], "properties": map[string]any{
			"issuer": "corp", "username": claims["email"], "groups": claims["groups"], "session": claims["sid"],
			"authTime": authTime(claims), "claims": forwarded(claims),
		}},
		"action":   map[string]any{"name": question.Scope},
		"resource": resource,
		"context":  context,
	})
}

// claimsOf reads the claims of a token that came straight from the issuer.
func claimsOf(token string) (map[string]any, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errors.New("the issuer's token has not three parts")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, fmt.Errorf("reading the issuer's token: %w", err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		return nil, fmt.Errorf("reading the issuer's token: %w", err)
	}
	return claims, nil
}

func authTime(claims map[string]any) string {
	at, _ := claims["auth_time"].(float64) // The issuer always sends one.
	return time.Unix(int64(at), 0).UTC().Format(time.RFC3339)
}

func forwarded(claims map[string]any) map[string]any {
	out := map[string]any{}
	for _, name := range []string{"department", "patients", "clearance"} {
		if value, ok := claims[name]; ok {
			out[name] = value
		}
	}
	return out
}

// Explain puts into the answer what the authorizer wrote about it in its decision log.
func (s *Stack) Explain(ctx context.Context, authorizer *Authorizer, answer *Answer) error {
	path := filepath.Join(s.options.Dir, authorizer.Name+".decisions.jsonl")
	return eventually(ctx, authorizer.process, func(context.Context) error {
		record, err := findRecord(path, answer.requestID)
		if err != nil {
			return err
		}
		answer.Message = record.explanation()
		return nil
	})
}

// logged is a line of the decision log.
type logged struct {
	RequestID string `json:"requestId"`
	Denial    *struct {
		Message string `json:"message"`
	} `json:"denial"`
	Policies []string `json:"policies"`
	Grant    string   `json:"grant"`
}

func (l logged) explanation() string {
	if l.Denial != nil {
		return l.Denial.Message
	}
	text := "permitted by " + strings.Join(l.Policies, ", ")
	if l.Grant != "" {
		text += " with " + l.Grant
	}
	return text
}

func findRecord(path, requestID string) (logged, error) {
	file, err := os.Open(path)
	if err != nil {
		return logged{}, fmt.Errorf("reading the decision log: %w", err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var record logged
		if json.Unmarshal(lines.Bytes(), &record) == nil && record.RequestID == requestID {
			return record, nil
		}
	}
	return logged{}, fmt.Errorf("the decision log says nothing of request %s", requestID)
}
