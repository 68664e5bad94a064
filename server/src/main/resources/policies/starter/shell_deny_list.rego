# METADATA
# title: Commands coding agents may not run
# description: |
#   Refuses well-known dangerous shell commands of agents: recursive deletion outside the working
#   folder, fork bombs, downloads piped into a shell, force pushes, reading of git's and other
#   credentials, changing git's configuration, becoming root, writing to disks, and commands whose
#   name is computed. Quotes, backslashes, blanks, absolute paths, wrappers such as env, xargs,
#   timeout and bash -c, and several commands on one line are seen through.
#   This is a net with holes, not a wall. A deny-list cannot know what a script, an interpreter
#   (python -c, awk, make, a test suite) or a program fetched in an earlier call does, nor follow
#   variables, encodings and the folder a command starts in. It stops accidents and clumsy injections. What must hold
#   belongs in the sandbox (no credentials, no network, a folder of its own) or in the allow-list
#   shell_allow_list.rego. It also refuses some harmless commands, such as an echo of a bad one.
# custom:
#   adapt:
#   - "shell_tools: the last part of the names of tools that run commands"
#   - "command_arguments: the arguments that hold the command, as text or as a list of words"
#   - "scratch: where, besides the working folder, recursive deletion is allowed"
#   - "git_keys: keys of git's configuration that may be read and set"
package mandate.policies.shell_deny_list

shell_tools := {"bash", "shell", "exec", "execute", "terminal", "run_command", "execute_command", "shell_exec", "local_shell"}

command_arguments := {"command", "cmd", "script", "argv"}

scratch := `^/(tmp|var/tmp)/[A-Za-z0-9]`

git_keys := {"user.name", "user.email", "init.defaultbranch", "pull.rebase", "push.default", "core.autocrlf", "core.filemode"}

deny contains "agents may run commands only through arguments that policies can read" if {
	guarded
	count(commands) == 0
}

deny contains "agents may run commands only through arguments that policies can read" if {
	guarded
	some name, value in input.resource.arguments
	name in command_arguments
	not readable(value)
}

deny contains message if {
	guarded
	some message in found
}

guarded if {
	input.action == "tools.call"
	parts := split(lower(input.resource.name), "/")
	parts[count(parts) - 1] in shell_tools
	not people_only
}

people_only if {
	count(input.subject.chain) > 0
	every link in input.subject.chain {
		link.kind in {"user", "system"}
	}
}

# --- The command as a shell would take it apart, roughly ---

commands contains text(value) if {
	some name in command_arguments
	value := input.resource.arguments[name]
	readable(value)
}

readable(value) if {
	is_string(value)
	trim_space(value) != ""
}

readable(value) if {
	is_array(value)
	count(value) > 0
	every word in value {
		is_string(word)
	}
}

text(value) := value if is_string(value)

text(value) := concat(" ", value) if is_array(value)

# Without continuation lines, quotes and backslashes; $IFS is a blank.
plain contains text if {
	some command in commands
	joined := strings.replace_n({"\\\r\n": "", "\\\n": ""}, command)
	unquoted := strings.replace_n({"\"": "", "'": "", "\\": ""}, joined)
	text := regex.replace(unquoted, `\$(\{IFS[^}]*\}|IFS)`, " ")
}

# Every simple command, as words, from each word on that may be its name: those after words that
# only introduce another command.
simple contains words if {
	some text in plain
	direct := regex.replace(text, `[0-9]*&?>>?(&[0-9-]|\s*[^\s&;|()<>]+)`, " ")
	some piece in regex.split("[;&|()<`\n\r]+|\\$\\(|-exec(?:dir)? |-ok(?:dir)? ", direct)
	all := words_of(piece)
	count(all) > 0
	name := min(array.concat([index | some index, word in all; not transparent(word)], [count(all) - 1]))
	some start in numbers.range(0, name)
	words := array.slice(all, start, count(all))
}

words_of(piece) := [word | some word in regex.split(`\s+`, piece); word != ""]

wrappers := {
	"env", "exec", "command", "sudo", "doas", "builtin", "nohup", "time", "nice", "ionice", "xargs", "eval", "busybox", "stdbuf", "setsid",
	"timeout", "watch", "parallel", "bash", "sh", "zsh", "dash", "ksh", "do", "then", "else", "elif", "if", "while", "until",
}

transparent(word) if base(word) in wrappers

transparent(word) if word in {"!", "{", "}", "{}"}

# Options, assignments, numbers and durations, names in capitals (nice -n 10, env -u HOME A=b, timeout -s KILL 5s).
transparent(word) if regex.match(`^(-.*|\+?[0-9.]+[smhd]?|[A-Za-z_][A-Za-z0-9_]*=.*|[A-Z_]+)$`, word)

base(word) := lower(regex.replace(word, `^.*/`, ""))

rest(words) := array.slice(words, 1, count(words))

# --- What is refused ---

found contains "recursive deletion or change of rights outside the working folder is refused" if {
	some words in recursive
	some target in operands(words)
	not inside(target)
}

# What it deletes comes from elsewhere (xargs), or counts from elsewhere (cd).
found contains "recursive deletion or change of rights outside the working folder is refused" if {
	some words in recursive
	count(operands(words)) == 0
}

found contains "recursive deletion or change of rights outside the working folder is refused" if {
	count(recursive) > 0
	some words in simple
	words[0] in {"cd", "pushd"}
	some target in array.concat(operands(words), [home | home := "~"; count(operands(words)) == 0])
	regex.match(`^([~$].*|/|/[^/]+/?|/(home|Users)/[^/]+/?|/(etc|usr|bin|sbin|lib|var|boot|dev|proc|sys|root)/.*|(.*/)?\.\.(/.*)?)$`, target)
}

found contains "recursive deletion or change of rights outside the working folder is refused" if {
	some words in simple
	"--no-preserve-root" in words
}

found contains "recursive deletion or change of rights outside the working folder is refused" if {
	some text in plain
	regex.match(`\s(-delete\b|-exec(dir)?\s+(\S+\s+)*?\S*\brm\b)`, text)
	some words in simple
	base(words[0]) == "find"
	some target in operands(words)
	regex.match(`^[/~$]|\.\.`, target)
	not inside(target)
}

recursive contains words if {
	some words in simple
	base(words[0]) in {"rm", "chmod", "chown", "chgrp"}
	some option in rest(words)
	regex.match(`^(-[A-Za-z]*[rR][A-Za-z]*|--re?(c[a-z]*)?)$`, option)
}

found contains "fork bombs are refused" if {
	some text in plain
	some definition in regex.find_all_string_submatch_n(
		`(?:function\s+([^\s(){}]+)\s*(?:\(\s*\))?|([^\s(){};&|]+)\s*\(\s*\))\s*\{([^}]*)\}`,
		text, -1,
	)
	name := concat("", [definition[1], definition[2]])
	body := regex.replace(definition[3], `\s+`, "")
	some operator in ["|", "&"]
	contains(body, concat("", [name, operator, name]))
}

found contains "running what was just downloaded or decoded is refused" if {
	some text in plain
	regex.match(`(^|[^|])\|&?\s*((\S*/)?(sudo|env|exec|command|nohup|time|nice)\s+|-\S+\s+|[A-Za-z_]\w*=\S*\s+)*(\S*/)?(bash|sh|zsh|dash|ksh|fish)(\s|$|[;&|)])`, text)
}

found contains "running what was just downloaded or decoded is refused" if {
	some text in plain
	regex.match(`(^|[^|])\|&?\s*((\S*/)?(sudo|env)\s+)*(\S*/)?(python[0-9.]*|perl|ruby|node|php)\s*(-\s*)?($|[;&|)\n])`, text)
}

found contains "running what was just downloaded or decoded is refused" if {
	some text in plain
	regex.match("(^|[\\s;&|(/])(bash|sh|zsh|dash|ksh|eval|source|\\.)\\s+(-\\w+\\s+)*(<\\s*\\(|\\$\\(|`)[^)`]*\\b(curl|wget|fetch|base64|xxd)\\b", text)
}

found contains "force pushes are refused" if {
	some git in gits
	git.verb == "push"
	some word in git.words
	regex.match(`^(--(forc|mir|del|pru).*|-[A-Za-z]*[fd][A-Za-z]*|\+.+|:.+)$`, word)
}

found contains "this use of git's configuration is refused" if {
	some git in gits
	git.verb == "config"
	not harmless_config(git)
}

found contains "this use of git's configuration is refused" if {
	some git in gits
	some setting in regex.find_all_string_submatch_n(`(?:\s-c\s*|--config-env[= ])([^\s=]+)`, git.options, -1)
	not lower(setting[1]) in git_keys
}

found contains "this use of git's configuration is refused" if {
	some words in simple
	base(words[0]) == "git"
	some text in plain
	regex.match(`\bGIT_(SSH|SSH_COMMAND|ASKPASS|EXTERNAL_DIFF|PAGER|EDITOR|CONFIG\w*|PROXY_COMMAND)=`, text)
}

found contains "reading credentials is refused" if {
	some git in gits
	regex.match(`^credential`, git.verb)
}

found contains "reading credentials is refused" if {
	some text in plain
	regex.match(
		concat("", [
				`(\.git-credentials|\.netrc|\.pgpass|\.npmrc|\.pypirc|\.ssh/|\bid_(rsa|dsa|ecdsa|ed25519)\b|\.gnupg|\.aws/|\.azure/`,
				`|\.kube/config|\.docker/config\.json|/gcloud/|\.config/gh/|\.git/config\b|\.gitconfig\b|/etc/(shadow|gshadow|sudoers)`,
				`|/proc/[^/\s]+/environ|169\.254\.169\.254|metadata\.google)`,
		]),
		text,
	)
}

found contains "reading credentials is refused" if {
	some words in simple
	regex.match(`^(gh auth token|printenv|security find-|pass show|op read|aws configure|gcloud auth print|export -p|declare -x|compgen -v)`, concat(" ", array.concat([base(words[0])], rest(words))))
}

# Nothing but env: it prints the environment.
found contains "reading credentials is refused" if {
	some text in plain
	regex.match(`(^|[;&|(\n])\s*(\S*/)?(env|set)\s*($|[;&|)>\n])`, text)
}

found contains "becoming another user is refused" if {
	some words in simple
	base(words[0]) in {"sudo", "sudoedit", "doas", "su", "pkexec", "runuser", "chroot", "nsenter", "setpriv"}
}

found contains "writing to disks and stopping the machine are refused" if {
	some words in simple
	regex.match(
		`^(mkfs(\..+)?|fdisk|sfdisk|cfdisk|gdisk|sgdisk|parted|wipefs|blkdiscard|mkswap|cryptsetup|hdparm|diskutil|shutdown|reboot|halt|poweroff|lv(create|remove|reduce)|vgremove|pvremove)$`,
		base(words[0]),
	)
}

found contains "writing to disks and stopping the machine are refused" if {
	some text in plain
	regex.match(`(\bof=|>\s*|\btee\s+(-\S+\s+)*|\bshred\s.*)/dev/(sd|hd|vd|xvd|nvme|mmcblk|disk|mapper|dm-|loop|mem|kmem|port)`, text)
}

found contains "commands whose name is computed are refused" if {
	some words in simple
	not transparent(words[0])
	regex.match(`[$*?]|^\{.*,|\[.+\]`, words[0])
}

found contains "commands whose name is computed are refused" if {
	some command in commands
	regex.match("(^|[;&|\n])\\s*(\\$\\(|`)", command)
}

# Letters written as escapes: $'\x72m'.
found contains "commands whose name is computed are refused" if {
	some command in commands
	regex.match(`\$'[^']*\\[xuU0-7]`, command)
}

# --- Details ---

operands(words) := [word | some word in rest(words); not startswith(word, "-")]

inside(target) if target in {"{}", "+"}

inside(target) if regex.match(`^[+=][rwxXst]+$`, target)

inside(target) if {
	path := regex.replace(target, `^(\./+)+`, "")
	regex.match(`^\.?[A-Za-z0-9_@][^$~{}]*$`, path)
	not regex.match(`^\.git(/|$)`, path)
	not ".." in split(path, "/")
}

inside(target) if {
	regex.match(scratch, target)
	not regex.match(`[$~{}]`, target)
	not ".." in split(target, "/")
}

gits contains {"options": match[1], "verb": match[2], "words": words_of(match[3])} if {
	some text in plain
	some piece in regex.split("[;&|()`\n\r]+|\\$\\(", text)
	all := words_of(piece)
	some index, word in all
	base(word) == "git"
	call := concat(" ", array.concat(["git"], array.slice(all, index + 1, count(all))))
	some match in regex.find_all_string_submatch_n(
		`^git((?: (?:-[Cc] ?\S+|--(?:git-dir|work-tree|namespace|exec-path|config-env|super-prefix)[= ]\S+|-\S+))*) ([^ -]\S*)(.*)`,
		call, 1,
	)
}

# Reads or sets one key, and that a harmless one.
harmless_config(git) if {
	count({word | some word in git.words; startswith(word, "-")} - {"--global", "--local", "--get", "--unset"}) == 0
	names := [word | some word in git.words; not startswith(word, "-"); not word in {"get", "set", "unset"}]
	lower(names[0]) in git_keys
}
