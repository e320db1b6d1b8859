package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// setHelp makes -h show what the command is for, then examples, then the rest.
func setHelp(root *cobra.Command) {
	cobra.AddTemplateFunc("indent", func(s string) string { return "  " + strings.ReplaceAll(s, "\n", "\n  ") })
	root.SetHelpTemplate(helpTemplate)
	root.SetUsageTemplate(helpTemplate)
}

const helpTemplate = `{{with or .Long .Short}}{{trimTrailingWhitespaces .}}

{{end}}{{if .HasExample}}Examples:
{{indent .Example}}

{{end}}Usage:
{{- if .HasAvailableSubCommands}}
  {{.CommandPath}} COMMAND [flags]

Commands:
{{- range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}
{{- else}}
  {{.UseLine}}
{{- end}}
{{- if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}
{{- end}}
{{- if .HasAvailableInheritedFlags}}

Flags of every command:
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}
{{- end}}
`
