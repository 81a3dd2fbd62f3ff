// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package certmanager

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// volume is a mounted Secret or ConfigMap.
type volume struct {
	folder string
	read   func(context.Context) (map[string][]byte, error)

	written int
	last    map[string][]byte
}

// runKubelet mounts what a manager and an authorizer mount, and looks at it anew every so often until the test ends. It waits
// for the Secret, as the start of a pod does.
func (s *stage) runKubelet(m *manager, every time.Duration) {
	s.t.Helper()
	serving := &volume{folder: m.serving, read: func(ctx context.Context) (map[string][]byte, error) {
		var secret corev1.Secret
		err := s.admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "behalf-serving-cert"}, &secret)
		return secret.Data, err
	}}
	authorities := &volume{folder: m.authorities, read: func(ctx context.Context) (map[string][]byte, error) {
		var config corev1.ConfigMap
		err := s.admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "behalf-ca"}, &config)
		data := map[string][]byte{}
		for key, value := range config.Data {
			data[key] = []byte(value)
		}
		return data, err
	}}
	s.await("the Secret that is mounted is there", serving.sync)
	t := s.t // of the whole test, not of the step that it is at
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	t.Cleanup(func() { cancel(); done.Wait() })
	done.Go(func() {
		wait.NonSlidingUntilWithContext(ctx, func(ctx context.Context) {
			for _, v := range []*volume{serving, authorities} {
				// What is gone stays mounted as it was, and so does all while the API server does not answer.
				if err := v.sync(ctx); err != nil && ctx.Err() == nil && !apierrors.IsNotFound(err) {
					t.Log("kubelet:", err)
				}
			}
		}, every)
	})
}

// sync writes what changed as k8s.io/kubernetes/pkg/volume/util/atomic_writer.go does: into a new folder, to which the symbolic
// link ..data then leads. The files that are seen lead through that link, so all of them change at once.
func (v *volume) sync(ctx context.Context) error {
	data, err := v.read(ctx)
	if err != nil || len(v.last) > 0 && maps.EqualFunc(data, v.last, bytes.Equal) {
		return err
	}
	v.written++
	now := "..2026_" + strconv.Itoa(v.written)
	if err := os.MkdirAll(filepath.Join(v.folder, now), 0o700); err != nil {
		return fmt.Errorf("mounting: %w", err)
	}
	for name, content := range data {
		if err := os.WriteFile(filepath.Join(v.folder, now, name), content, 0o600); err != nil {
			return fmt.Errorf("mounting: %w", err)
		}
	}
	next, link := filepath.Join(v.folder, "..data_tmp"), filepath.Join(v.folder, "..data")
	before, _ := os.Readlink(link) // there is none the first time
	if err := os.Symlink(now, next); err != nil {
		return fmt.Errorf("mounting: %w", err)
	}
	if err := os.Rename(next, link); err != nil {
		return fmt.Errorf("mounting: %w", err)
	}
	for name := range data {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(v.folder, name)); err != nil && !os.IsExist(err) {
			return fmt.Errorf("mounting: %w", err)
		}
	}
	v.last = data
	if before == "" {
		return nil
	}
	return os.RemoveAll(filepath.Join(v.folder, before))
}
