package mandate.policies.shell_allow_list_test

import data.mandate.policies.shell_allow_list

agent := {"kind": "agent", "chain": [{"kind": "agent", "id": "a1"}, {"kind": "user", "id": "u1"}]}

run(command) := {
	"subject": agent,
	"action": "tools.call",
	"resource": {"type": "tool", "name": "code/bash", "source": "code", "risk": "write", "arguments": {"command": command}},
}

passes(command) if {
	count(shell_allow_list.deny) == 0 with input as run(command)
}

test_what_is_listed_passes if {
	commands := [
		"ls", "ls -la src", "pwd", "cat README.md", "grep -rn TODO src/main", "git status", "git diff --stat HEAD", "git log -n 5 --oneline", "mvn test", "npm test",
		"git commit -m \"It's done; really\"", "git commit -m 'a | b > c'", "git show HEAD:src/a.txt", "grep -n 'x{2}' a.txt", "grep -e \"a b\" x",
	]
	[command | some command in commands; passes(command)] == commands
}

test_everything_else_is_refused if {
	commands := [
		"", " ls", "ls ", "rm -rf build", "ls; rm x", "ls && rm x", "ls | sh", "ls > x", "cat < x", "cat $HOME/x", "cat `x`", "cat $(x)", "ls *", "ls ?", "ls ~", "ls {a,b}", "ls\nrm x",
		"ls\trm", "/bin/ls", "./ls", "bash -c ls", "env ls", "A=b ls", "'ls'", "l's'", "git", "git push", "git config -l", "git -C / status", "git -c a=b status", "mvn deploy", "npm run x",
		"npm 'test'", "cat /etc/passwd", "cat ../x", "cat a/../../x", "cat '/etc/passwd'", "cat \"../x\"", "ls --dir=/etc", "git diff --output=x", "git diff --out=x", "git log --ext-diff",
		"git show HEAD:../x", "mvn test -Dexec=x", "mvn test -f ../pom.xml", "git grep -Ovi x", "git commit -m \"$(rm x)\"", "git commit -m \"`rm x`\"", "cat \"a", "cat 'a", "ls \\", "ls #x",
		"LS", "catx", "ls é", "git commit --amend", "find . -delete",
	]
	[command | some command in commands; passes(command)] == []
}

with_more(more) := json.patch(run("ls"), [{
			"op": "replace",
			"path": "/resource/arguments",
			"value": object.union({"command": "ls"}, more),
}])

test_other_arguments if {
	count(shell_allow_list.deny) == 1 with input as with_more({"script": "rm x"})
	count(shell_allow_list.deny) == 0 with input as with_more({"timeout": 5, "description": "Lists"})
}

test_what_is_unknown_is_refused if {
	every command in [null, 7, ["ls"], {"x": 1}] {
		count(shell_allow_list.deny) == 1 with input as run(command)
	}
	count(shell_allow_list.deny) == 1 with input as json.patch(run("ls"), [{"op": "remove", "path": "/resource/arguments"}])
	count(shell_allow_list.deny) == 1 with input as json.patch(run("rm x"), [{"op": "remove", "path": "/subject"}])
}

test_whom_it_concerns if {
	person := {"kind": "user", "chain": [{"kind": "user", "id": "u1"}]}
	count(shell_allow_list.deny) == 0 with input as json.patch(run("rm x"), [{"op": "replace", "path": "/subject", "value": person}])
	count(shell_allow_list.deny) == 0 with input as json.patch(run("rm x"), [{"op": "replace", "path": "/resource/name", "value": "wiki/edit"}])
	count(shell_allow_list.deny) == 1 with input as json.patch(run("rm x"), [{"op": "replace", "path": "/resource/name", "value": "x/Bash"}])
}
