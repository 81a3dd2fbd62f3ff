// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/internal/issuerkeys"
)

// compilation is the compiler together with what it is told beside objects: keys, and what was accepted before.
type compilation struct {
	// mu lets others judge while nothing is compiled. All the rest belongs to the goroutine of Publisher.Start.
	mu sync.RWMutex
	// compiler is nil before the first compilation, and after one that failed.
	compiler *compile.Compiler

	servers  map[compile.Key]*v1alpha1.ResourceServer
	accepted accepted
	// forms are how resource servers are in force, by the names of their bundles.
	forms map[string]form
	// keyed are the issuers whose keys the compiler was told.
	keyed map[string]bool
}

func newCompilation() *compilation {
	return &compilation{
		servers: map[compile.Key]*v1alpha1.ResourceServer{}, accepted: accepted{}, forms: map[string]form{},
	}
}

// take compiles what has become another. A fault of the compiler must not take the whole manager down: it is an error, and
// what was published before stays. The next compiler then has to be told of everything: see lost.
func (c *compilation) take(changes map[compile.Key]client.Object, states map[string]issuerkeys.State) (d *compile.Delta, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer func() {
		if fault := recover(); fault != nil {
			c.compiler = nil
			err = fmt.Errorf("the compiler panicked: %v", fault)
		}
	}()
	if c.compiler == nil {
		c.begin()
	}
	for key, object := range changes {
		c.tell(key, object)
	}
	c.tellKeys(states)
	d = c.compiler.Compile()
	c.remember(changes, d)
	return d, nil
}

// revocations is the list that was compiled last.
func (c *compilation) revocations() *bundle.Revocations {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.compiler.Revocations()
}

// lost says that the next compiler is a new one.
func (c *compilation) lost() bool { return c.compiler == nil }

// begin makes a compiler that knows what is remembered.
func (c *compilation) begin() {
	c.compiler, c.keyed = compile.NewCompiler(), map[string]bool{}
	for name, rs := range c.accepted {
		c.compiler.PutLastAccepted(name, rs)
	}
}

// tell tells the compiler of one object; nil for one that is gone.
func (c *compilation) tell(key compile.Key, object client.Object) {
	if object == nil {
		c.compiler.Remove(key)
	} else {
		kinds[key.Kind].put(c.compiler, object)
	}
}

// tellKeys tells the compiler of the keys that are known, those of the cluster among them.
func (c *compilation) tellKeys(states map[string]issuerkeys.State) {
	for name := range c.keyed {
		if !states[name].Known() {
			c.compiler.PutIssuerKeys(name, "")
			delete(c.keyed, name)
		}
	}
	for name, state := range states {
		if name != clusterSource && state.Known() {
			c.compiler.PutIssuerKeys(name, state.Keys.JWKS)
			c.keyed[name] = true
		}
	}
	if cluster := states[clusterSource]; cluster.Known() {
		c.compiler.PutCluster(&bundle.Cluster{Issuer: cluster.Keys.Issuer, JWKS: cluster.Keys.JWKS})
	} else {
		c.compiler.PutCluster(nil)
	}
}

// remember takes note of how resource servers are in force, for the next compilation too.
func (c *compilation) remember(changes map[compile.Key]client.Object, d *compile.Delta) {
	concerned := map[compile.Key]bool{}
	for key, object := range changes {
		if key.Kind != compile.KindResourceServer {
			continue
		}
		concerned[key] = true
		if server, ok := object.(*v1alpha1.ResourceServer); ok {
			c.servers[key] = server
		} else {
			delete(c.servers, key)
		}
	}
	for key := range d.Reports {
		if key.Kind == compile.KindResourceServer {
			concerned[key] = true
		}
	}
	for key := range concerned {
		c.rememberServer(key)
	}
}

func (c *compilation) rememberServer(key compile.Key) {
	name := types.NamespacedName{Namespace: key.Namespace, Name: key.Name}
	server := c.servers[key]
	report, _ := c.compiler.Report(key)
	inForce := c.accepted.after(name, server, report)
	c.compiler.PutLastAccepted(name, c.accepted[name])
	if inForce == nil {
		delete(c.forms, name.String())
		return
	}
	c.forms[name.String()] = formOf(inForce, server)
}

// consult has a question put to the compiler, which must change nothing; false while nothing is compiled.
func (c *compilation) consult(question func(*compile.Compiler)) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.compiler == nil {
		return false
	}
	question(c.compiler)
	return true
}
