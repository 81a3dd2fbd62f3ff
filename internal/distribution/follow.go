// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"fmt"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"

	"behalf.dev/behalf/internal/bundle"
)

// subscribe asks for all of each type, and says what is held so that it is not sent again. Leases come last: what may be
// renewed follows from what is held.
func (c *Client) subscribe(stream deltaClient) error {
	held := c.held()
	for index, url := range typeURLs {
		err := stream.Send(&discoveryv3.DeltaDiscoveryRequest{
			Node:                    &corev3.Node{Id: c.options.Node},
			TypeUrl:                 url,
			ResourceNamesSubscribe:  []string{wildcard},
			InitialResourceVersions: held[index],
		})
		if err != nil {
			// What went wrong is what Recv says: Send only knows that the stream is gone.
			_, err = stream.Recv()
			return fmt.Errorf("subscribing: %w", err)
		}
	}
	return nil
}

func (c *Client) held() [typeCount]map[string]string {
	var held [typeCount]map[string]string
	for index := range held {
		held[index] = map[string]string{}
	}
	for _, statement := range c.options.Sink.Held() {
		key := Key{statement.Kind, statement.Name}
		index, known := kindIndex(key.Kind)
		if !known {
			continue
		}
		held[index][key.Name] = statement.Digest
		held[leaseIndex][key.String()] = leaseVersion(statement)
	}
	return held
}

// follow takes responses and answers each, until the stream ends.
func (c *Client) follow(stream deltaClient) error {
	if header, err := stream.Header(); err == nil && header != nil {
		c.connected()
	}
	for {
		response, err := stream.Recv()
		if err != nil {
			return fmt.Errorf("following the manager: %w", err)
		}
		answer := &discoveryv3.DeltaDiscoveryRequest{
			TypeUrl: response.GetTypeUrl(), ResponseNonce: response.GetNonce(), ErrorDetail: c.take(response),
		}
		if err := stream.Send(answer); err != nil {
			return fmt.Errorf("answering the manager: %w", err)
		}
	}
}

// take applies a response as a whole and gives the error detail of what could not be applied, nil where all could. It
// returns when what it acknowledges is enforced.
func (c *Client) take(response *discoveryv3.DeltaDiscoveryResponse) *statuspb.Status {
	refused := map[string]error{}
	var (
		names   []string
		changes []bundle.Change
	)
	for _, resource := range response.GetResources() {
		change, err := readResource(response.GetTypeUrl(), resource)
		if err != nil {
			refused[resource.GetName()] = err
			continue
		}
		names, changes = append(names, resource.GetName()), append(changes, change)
	}
	for _, name := range response.GetRemovedResources() {
		if change, ok := readRemoval(response.GetTypeUrl(), name); ok {
			names, changes = append(names, name), append(changes, change)
		}
	}
	for i, err := range c.options.Sink.Update(changes) {
		if err != nil {
			refused[names[i]] = err
		}
	}
	return c.account(len(response.GetResources()), refused)
}

func (c *Client) account(came int, refused map[string]error) *statuspb.Status {
	c.update(func(s *ClientState) {
		s.Received += uint64(came) //nolint:gosec // a length
		s.Rejected += uint64(len(refused))
	})
	if len(refused) == 0 {
		return nil
	}
	for name, err := range refused {
		c.options.Log.Error(err, "refusing what the manager sent", "name", name)
	}
	return reject(refused)
}

// readResource makes a change of a resource. The name that it travels under is the one that the Sink holds it to.
func readResource(url string, resource *discoveryv3.Resource) (bundle.Change, error) {
	index, known := typeIndex(url)
	if !known || resource.GetResource().GetTypeUrl() != url {
		return bundle.Change{}, fmt.Errorf("a resource of type %q came in a response of type %q", resource.GetResource().GetTypeUrl(), url)
	}
	key, err := readResourceName(index, resource.GetName())
	if err != nil {
		return bundle.Change{}, err
	}
	change := bundle.Change{Operation: bundle.Put, Kind: key.Kind, Name: key.Name}
	if index == leaseIndex {
		change.Operation, change.Artifact.Envelope = bundle.Renew, resource.GetResource().GetValue()
		return change, nil
	}
	if err := change.Artifact.UnmarshalBinary(resource.GetResource().GetValue()); err != nil {
		return bundle.Change{}, err
	}
	return change, nil
}

// readRemoval makes a change of a removal. Leases go with their content.
func readRemoval(url, name string) (bundle.Change, bool) {
	index, known := typeIndex(url)
	if !known || index == leaseIndex {
		return bundle.Change{}, false
	}
	key, err := readResourceName(index, name)
	return bundle.Change{Operation: bundle.Remove, Kind: key.Kind, Name: key.Name}, err == nil
}
