// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"behalf.dev/behalf/internal/cli"
	"behalf.dev/behalf/internal/manifest"
	"behalf.dev/behalf/internal/offline"
)

const checkHelp = `Decide one request by the manifests that are given, and say why.

Manifests are files and folders of YAML and JSON; objects of other API groups in them are passed over. They go through the
schema that the API server would hold them to, and through the compiler: what is wrong with one of them is an error.

Exit codes: 0 for Allow, 1 for Deny, 2 where nothing could be decided.`

const checkExample = `  # May the portal read this ticket for Alice?
  kubectl behalf check -f manifests --request request.yaml

  # What a program makes of it
  kubectl behalf check -f manifests --request request.yaml -o json | jq -r .reason

  # By what a cluster holds
  kubectl get behalf,namespaces,serviceaccounts -A -o yaml | kubectl behalf check -f - --request request.yaml`

func newCheck(s cli.Streams, code *int) *cobra.Command {
	var check cli.Check
	var manifests manifest.Options
	var at clock
	command := &cobra.Command{
		Use:     "check -f FILE|FOLDER --request FILE",
		Short:   "Decide one request",
		Long:    checkHelp,
		Example: checkExample,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if check.Request == manifest.Stdin && slices.Contains(manifests.Files, manifest.Stdin) {
				return errors.New("manifests and request cannot both come from standard input")
			}
			manifests.Stdin = s.In
			check.Now = at.now()
			check.World = func(ctx context.Context) (*offline.World, error) { return offline.Load(ctx, manifests) }
			*code = check.Run(c.Context(), s)
			return nil
		},
	}
	flags := command.Flags()
	flags.StringArrayVarP(&manifests.Files, "filename", "f", nil, "file or folder with manifests, searched with all folders below it; may be repeated; - is standard input")
	flags.StringVar(&check.Request, "request", "", "file with the request; - is standard input")
	flags.StringVarP(&manifests.Namespace, "namespace", "n", "", "namespace of objects that name none; without it they are an error")
	flags.Var(&at, "now", "decide as at this time, as in RFC 3339 (default the present)")
	flags.VarP(&check.Output, "output", "o", "json or yaml (default text)")
	return required(command, "filename", "request")
}

// required marks flags that cannot be left out.
func required(command *cobra.Command, flags ...string) *cobra.Command {
	for _, flag := range flags {
		cobra.CheckErr(command.MarkFlagRequired(flag)) // errs for a flag that there is not
	}
	return command
}
