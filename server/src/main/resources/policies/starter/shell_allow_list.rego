# METADATA
# title: Commands coding agents may run
# description: |
#   Agents run one simple command at a time, and only those listed: no pipes, redirections, variables,
#   wildcards, substitutions, or several commands. Arguments stay within the working folder: no
#   absolute paths, no "..", no "~". Stricter than shell_deny_list.rego, and the one to prefer where
#   agents work on untrusted text.
#   What it cannot do: a listed build or test command runs whatever the project's files say. List it
#   only in a sandbox.
# custom:
#   adapt:
#   - "shell_tools, command_argument: the last part of the names of tools that run commands; where the command is"
#   - "programs: by program its subcommands; an empty set allows any arguments"
#   - "refused_options: options that make a harmless program write or run something"
package mandate.policies.shell_allow_list

shell_tools := {"bash", "shell", "exec", "execute", "terminal", "run_command", "execute_command", "shell_exec", "local_shell"}

command_argument := "command"

programs := {
	"ls": set(),
	"cat": set(),
	"head": set(),
	"tail": set(),
	"wc": set(),
	"grep": set(),
	"pwd": set(),
	"git": {"status", "diff", "log", "show", "add", "commit"},
	"mvn": {"compile", "test"},
	"npm": {"test"},
}

refused_options := `^(--(out|open|ext|exec|textc|file|amend|templ)|-[oODfF])`

deny contains message if {
	input.action == "tools.call"
	shell
	not people_only
	not listed
	message := "agents may run only single commands from the list, within the working folder"
}

shell if {
	parts := split(lower(input.resource.name), "/")
	parts[count(parts) - 1] in shell_tools
}

# Every argument besides the command could carry another one.
listed if {
	object.keys(input.resource.arguments) - {command_argument, "timeout", "description"} == set()
	words[0] in object.keys(programs)
	subcommand_listed
	every word in array.slice(words, 1, count(words)) {
		harmless(word)
	}
}

subcommand_listed if count(programs[words[0]]) == 0

subcommand_listed if words[1] in programs[words[0]]

# Plain words, and texts in quotes in which nothing is replaced. Words are parted by blanks only.
words := [word | some match in regex.find_all_string_submatch_n(token, text, -1); word := match[0]] if {
	text := input.resource.arguments[command_argument]
	is_string(text)
	regex.match(sprintf(`\A(?:%s)(?: +(?:%s))*\z`, [token, token]), text)
}

token := `[A-Za-z0-9_./:=@,+%-]+|"[^"$\x60\\!\n\r]*"|'[^'\n\r]*'`

harmless(word) if {
	bare := trim(word, `"'`)
	not regex.match(`(^|[=:,])[/~]`, bare)
	not regex.match(`(^|[/=:,])\.\.(/|$)`, bare)
	not regex.match(refused_options, bare)
}

people_only if {
	count(input.subject.chain) > 0
	every link in input.subject.chain {
		link.kind in {"user", "system"}
	}
}
