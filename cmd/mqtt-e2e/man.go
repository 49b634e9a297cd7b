package main

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

func (a *app) man() *cobra.Command {
	return &cobra.Command{
		Use:    "man DIRECTORY",
		Short:  "Write the manual pages into a directory, which is made if needed",
		Hidden: true,
		Args:   atMost(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("name the DIRECTORY for the pages")
			}
			if err := os.MkdirAll(args[0], 0o777); err != nil { // less the umask, as mkdir does
				return ui.FileError("the directory", args[0], err)
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true // no date: the same pages each time
			return doc.GenManTree(root, &doc.GenManHeader{Title: "MQTT-E2E", Section: "1", Source: "mqtt-e2e", Manual: " "}, args[0])
		},
	}
}
