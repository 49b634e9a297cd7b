package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func (a *app) man() *cobra.Command {
	return &cobra.Command{
		Use:    "man DIRECTORY",
		Short:  "Write the manual pages into a directory",
		Hidden: true,
		Args:   atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("name the DIRECTORY for the pages")
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true // no date: the same pages each time
			return doc.GenManTree(root, &doc.GenManHeader{Title: "MQTT-E2E", Section: "1", Source: "mqtt-e2e", Manual: " "}, args[0])
		},
	}
}
