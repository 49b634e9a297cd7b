package main

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func (a *app) man() *cobra.Command {
	return &cobra.Command{
		Use:    "man DIRECTORY",
		Short:  "Write the manual pages into a directory, which is made if needed",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o777); err != nil { // less the umask, as mkdir does
				return err
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true // no date: the same pages each time
			return doc.GenManTree(root, &doc.GenManHeader{Title: "MQTT-E2E", Section: "1", Source: "mqtt-e2e", Manual: " "}, args[0])
		},
	}
}
