package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// setUsage makes a command and those below it say in our words what is wrong
// with a command line, where cobra speaks of args, shorthands and parsers.
func setUsage(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(flagError)
	if !cmd.HasSubCommands() {
		return
	}
	// The distance up to which cobra takes a word for another, misspelt.
	cmd.SuggestionsMinimumDistance = maxTypos
	cmd.Args = knownVerb
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return usagef("name a %s: %s; see  %s --help", noun(cmd), strings.Join(verbs(cmd), ", "), cmd.CommandPath())
	}
	for _, child := range cmd.Commands() {
		setUsage(child)
	}
}

// setShells does the same for what cobra itself adds.
func setShells(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Args = knownTopic
		case "completion":
			for _, shell := range cmd.Commands() {
				shell.Args = atMost(0)
			}
		}
	}
}

// noun is what stands behind cmd.
func noun(cmd *cobra.Command) string {
	if cmd.Name() == "completion" {
		return "shell"
	}
	return "verb"
}

// verbs lists the verbs below cmd that help shows.
func verbs(cmd *cobra.Command) []string {
	var names []string
	for _, child := range cmd.Commands() {
		if child.IsAvailableCommand() {
			names = append(names, child.Name())
		}
	}
	return names
}

// atMost is for verbs that take up to n arguments.
func atMost(n int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > n {
			if n > 0 && isAddress(args[0]) && isAddress(args[n]) {
				return errTwoAddresses
			}
			return usagef("%q is one argument too many", args[n])
		}
		return nil
	}
}

// knownVerb is for commands that have verbs.
func knownVerb(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usagef("there is no %s %q%s", noun(cmd), args[0], didYouMean(cmd.SuggestionsFor(args[0])))
}

// knownTopic is for help, whose arguments are a verb.
func knownTopic(cmd *cobra.Command, args []string) error {
	found, rest, err := cmd.Root().Find(args)
	if err == nil && len(rest) > 0 && found.HasSubCommands() {
		return knownVerb(found, rest)
	}
	return err
}

func didYouMean(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return ": did you mean " + strings.Join(names, " or ") + "?"
}

// flagError says what is wrong with a flag.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var value *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	var syntax *pflag.InvalidSyntaxError
	switch {
	case errors.As(err, &unknown) && cmd.HasSubCommands() && cmd.Flags().NArg() > 0:
		// The verb is unknown, and so its flags are, too.
		return knownVerb(cmd, cmd.Flags().Args())
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "":
		return usagef("there is no flag -%s%s", unknown.GetSpecifiedName(), didYouMean(otherCase(cmd, unknown.GetSpecifiedName())))
	case errors.As(err, &unknown):
		return usagef("there is no flag --%s%s", unknown.GetSpecifiedName(), didYouMean(similarFlags(cmd, unknown.GetSpecifiedName())))
	case errors.As(err, &value):
		return usagef("--%s %q: write %s", value.GetFlag().Name, value.GetValue(), valueOf(value.GetFlag()))
	case errors.As(err, &missing):
		return usagef("--%s lacks its value: write %s behind it", missing.GetFlag().Name, valueOf(missing.GetFlag()))
	case errors.As(err, &syntax):
		return usagef("%q is no flag", syntax.GetSpecifiedFlag())
	}
	return usage(err)
}

// valueOf says what stands behind a flag.
func valueOf(flag *pflag.Flag) string {
	switch flag.Value.Type() {
	case "int":
		return "a whole number"
	case "duration":
		return "a time such as 90s or 2m"
	case "bool":
		return "true or false, or nothing"
	}
	name, text := pflag.UnquoteUsage(flag)
	if name == "string" {
		return text // the usage names no word for the value: it lists the values
	}
	return name
}

const (
	// maxTypos is how many letters of a misspelt word may be wrong.
	maxTypos = 2
	// maxSimilar is how many flags are suggested.
	maxSimilar = 3
)

// otherCase returns the flag of one letter that differs from name in case only.
func otherCase(cmd *cobra.Command, name string) []string {
	for _, letter := range []string{strings.ToUpper(name), strings.ToLower(name)} {
		if len(letter) == 1 && cmd.Flags().ShorthandLookup(letter) != nil {
			return []string{"-" + letter}
		}
	}
	return nil
}

// similarFlags returns the flags that name may be a misspelling or the beginning
// of. cobra knows how to tell of verbs: for this, a flag is one.
func similarFlags(cmd *cobra.Command, name string) []string {
	flags := &cobra.Command{SuggestionsMinimumDistance: maxTypos}
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		flags.AddCommand(&cobra.Command{Use: "--" + flag.Name, Hidden: flag.Hidden, Run: func(*cobra.Command, []string) {}})
	})
	similar := flags.SuggestionsFor("--" + name)
	return similar[:min(len(similar), maxSimilar)]
}
