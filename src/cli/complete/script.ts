// The script by which a shell completes `vitrine` and `npx vitrine`. It runs nothing but the `vitrine` that the typed line
// would run.

import { script } from "@bomb.sh/tab";

/** The shells that have a script. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

export type Shell = (typeof SHELLS)[number];

/** The function of the script that runs `vitrine`. */
const EXECUTABLE = "__vitrine_run";

/** Returns the script that a shell has to read once. */
export function completionScript(shell: Shell): string {
  const text = captureOutput(() => script(shell, "vitrine", EXECUTABLE));

  // Each program that completes by this library has the same constants. A second one that sets them fails in bash.
  const sharedConstants = /^readonly (?<name>ShellComp\w+)=(?<value>\d+)$/gm;
  const repeatable = text.replace(sharedConstants, ': "$${$<name>:=$<value>}"');
  const safe = withoutEvaluation(repeatable, shell);
  return `${RUN[shell]}\n\n${safe}\n${NPX[shell]}`;
}

type Replacement = { readonly unsafe: string; readonly safe: string };

/**
 * Where the library's scripts run a part of the typed line as a program: a Tab after `$(…)` or `> file` would do what they
 * say.
 */
const EVALUATIONS: Readonly<Partial<Record<Shell, Replacement>>> = {
  bash: {
    unsafe: 'out=$(eval "$requestComp" 2>/dev/null)',
    safe: `out=$(${EXECUTABLE} complete -- "\${words[@]:1:cword}" 2>/dev/null)`,
  },
  // `eval` later runs the prefix, the part of `--option=value` up to the sign.
  zsh: {
    unsafe: `flagPrefix="-P \${BASH_REMATCH}"`,
    safe: `flagPrefix="-P \${(q)BASH_REMATCH}"`,
  },
};

/** @throws if the script of the library is another one */
function withoutEvaluation(text: string, shell: Shell): string {
  const evaluation = EVALUATIONS[shell];
  if (evaluation === undefined) return text;

  const parts = text.split(evaluation.unsafe);
  if (parts.length !== 2) throw new Error(`the script of @bomb.sh/tab for ${shell} is another one`);
  return parts.join(evaluation.safe);
}

/** The library can only print. It prints at once. */
export function captureOutput(work: () => void): string {
  const { log } = console;
  const lines: string[] = [];
  console.log = (text: string) => lines.push(text);

  try {
    work();
  } finally {
    console.log = log;
  }
  return lines.join("\n");
}

/**
 * Runs the `vitrine` that the typed line would run: that of PATH, or, after `npx`, that of the project, which is faster
 * without npx. `--no --offline`: where the package is not installed, npx would get a package of this name from npm's
 * registry, and run it.
 */
const RUN = {
  bash: posixRun("type -P vitrine"),
  zsh: posixRun("whence -p vitrine"),
  fish: `function ${EXECUTABLE}
    if not set -q __vitrine_after_npx; and command -q vitrine
        command vitrine $argv
    else if test -x node_modules/.bin/vitrine
        node_modules/.bin/vitrine $argv
    else
        npx --no --offline -- vitrine $argv
    end
end`,
} as const satisfies Readonly<Record<Shell, string>>;

/** @param findInPath the shell's own command that looks for the program in PATH alone, and for no function or alias */
function posixRun(findInPath: string): string {
  return `${EXECUTABLE}() {
    if [[ -z \${__vitrine_after_npx:-} ]] && ${findInPath} >/dev/null; then
        command vitrine "$@"
    elif [ -x node_modules/.bin/vitrine ]; then
        node_modules/.bin/vitrine "$@"
    else
        npx --no --offline -- vitrine "$@"
    fi
}`;
}

/** The library completes the word `vitrine` alone, and a project has it behind `npx`. Other words of npx stay as they were. */
const NPX = {
  bash: `# vitrine may be followed by names of files
complete -o default -F __vitrine_complete vitrine

# npx vitrine
__vitrine_npx_before=$(complete -p npx 2>/dev/null | sed -n 's/.* -F \\([^ ]*\\) .*/\\1/p')
[[ $__vitrine_npx_before == __vitrine_npx ]] && __vitrine_npx_before=
__vitrine_npx() {
    if [[ \${COMP_WORDS[1]} == vitrine && $COMP_CWORD -gt 1 ]]; then
        local before=\${COMP_LINE%%vitrine*}
        COMP_LINE=\${COMP_LINE#"$before"}
        COMP_POINT=$((COMP_POINT - \${#before}))
        COMP_WORDS=("\${COMP_WORDS[@]:1}")
        COMP_CWORD=$((COMP_CWORD - 1))
        local __vitrine_after_npx=1
        __vitrine_complete vitrine "$2" "$3"
    elif [[ $COMP_CWORD -eq 1 && -n $2 && vitrine == "$2"* ]]; then
        COMPREPLY=(vitrine)
    elif [[ -n $__vitrine_npx_before ]]; then
        $__vitrine_npx_before "$@"
    fi
}
complete -o default -F __vitrine_npx npx`,

  zsh: `# npx vitrine
[[ \${_comps[npx]:-} != _vitrine_npx ]] && _vitrine_npx_before=\${_comps[npx]:-_default}
_vitrine_npx() {
    if (( CURRENT > 2 )) && [[ \${words[2]} == vitrine ]]; then
        shift words
        (( CURRENT -= 1 ))
        local __vitrine_after_npx=1
        _vitrine
    elif (( CURRENT == 2 )) && [[ -n \${words[2]} && vitrine == \${words[2]}* ]]; then
        compadd vitrine
    else
        $_vitrine_npx_before
    fi
}
compdef _vitrine_npx npx`,

  fish: `# npx vitrine
function __vitrine_is_after_npx
    set -l args (commandline -opc)
    test (count $args) -ge 2; and test "$args[2]" = vitrine
end

function __vitrine_complete_after_npx
    set -l args (commandline -opc)
    set -l current (commandline -ct)
    # The function that it calls sees this.
    set -lx __vitrine_after_npx 1
    set -l results (${EXECUTABLE} complete -- $args[3..-1] "$current" 2>/dev/null)
    # The last line is for the other shells, unless it asks for names of files.
    if test "$results[-1]" = ":0"
        __fish_complete_path "$current"
    else
        printf "%s\\n" $results[1..-2]
    end
end

complete -c npx -n __fish_is_first_arg -a vitrine -d "Commands for operators of a Vitrine"
complete -c npx -n __vitrine_is_after_npx -f -a "(__vitrine_complete_after_npx)"`,
} as const satisfies Readonly<Record<Shell, string>>;
