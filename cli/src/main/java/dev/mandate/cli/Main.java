package dev.mandate.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ScopeType;

/** The client's entry point. */
public final class Main {
  /** The first word of each command, and what makes it. Only the one asked for is made. */
  static final Map<String, Function<Context, Object>> COMMANDS = commands();

  private Main() {}

  public static void main(String[] args) {
    // UTF-8 whatever the locale: what models write is not limited to the locale's characters.
    PrintStream out = stream(FileDescriptor.out);
    PrintStream err = stream(FileDescriptor.err);
    int exit = run(Env.ofProcess(), System.in, out, err, args);
    out.flush();
    System.exit(exit);
  }

  /** Runs one command and returns its exit code. */
  static int run(Env env, InputStream in, PrintStream out, PrintStream err, String... args) {
    Screen screen = new Screen(out, err, env);
    Context context = new Context(env, screen, in);
    CommandLine line = commandLine(context, args.length == 0 ? "" : args[0]);
    line.setOut(new java.io.PrintWriter(out, true, StandardCharsets.UTF_8));
    line.setErr(new java.io.PrintWriter(err, true, StandardCharsets.UTF_8));
    line.setColorScheme(CommandLine.Help.defaultColorScheme(env.colors() ? Ansi.ON : Ansi.OFF));
    line.setUsageHelpWidth(Math.clamp(env.columns(), 60, 110));
    line.setExecutionExceptionHandler((thrown, command, parsed) -> {
      if (thrown instanceof CliFailure failure) {
        report(screen, failure);
        return failure.exit();
      }
      throw thrown;
    });
    return line.execute(args);
  }

  private static void report(Screen screen, CliFailure failure) {
    String word = screen.env().colors() ? "\u001B[31mmandate:\u001B[0m " : "mandate: ";
    screen.error(word + Format.printable(failure.text()));
  }

  static CommandLine commandLine(Context context, String first) {
    CommandLine line = new CommandLine(new Root(context));
    COMMANDS.forEach((name, make) -> {
      // Making all of them costs more than most commands do.
      if (name.equals(first) || !COMMANDS.containsKey(first)) {
        line.addSubcommand(name, make.apply(context));
      }
    });
    // An argument such as @quiet.rego is the command's to read, not a list of further arguments.
    return line.setExpandAtFiles(false);
  }

  private static Map<String, Function<Context, Object>> commands() {
    Map<String, Function<Context, Object>> commands = new LinkedHashMap<>();
    commands.put("chat", ChatCommand::new);
    commands.put("open", OpenCommand::new);
    commands.put("login", LoginCommand::new);
    commands.put("demo", DemoCommand::new);
    commands.put("agent", AgentCommand::new);
    commands.put("thread", ThreadCommand::new);
    commands.put("message", MessageCommand::new);
    commands.put("file", FileCommand::new);
    commands.put("run", RunCommand::new);
    commands.put("approval", ApprovalCommand::new);
    commands.put("tool", ToolCommand::new);
    commands.put("source", SourceCommand::new);
    commands.put("model", ModelCommand::new);
    commands.put(
        "policy",
        context ->
            new CommandLine(new PolicyCommand(context))
                .addSubcommand("starter", new StarterCommand(context)));
    commands.put("token", TokenCommand::new);
    commands.put("member", MemberCommand::new);
    commands.put("invitation", InvitationCommand::new);
    commands.put("org", OrgCommand::new);
    commands.put("audit", AuditCommand::new);
    commands.put("job", JobCommand::new);
    commands.put("me", MeCommand::new);
    return commands;
  }

  private static PrintStream stream(FileDescriptor descriptor) {
    return new PrintStream(
        new java.io.BufferedOutputStream(new FileOutputStream(descriptor), 8192),
        true,
        StandardCharsets.UTF_8);
  }

  @Command(
      name = "mandate",
      description = "Talk to a Mandate server.",
      mixinStandardHelpOptions = true,
      version = "mandate 0.1.0",
      scope = ScopeType.INHERIT,
      sortOptions = false,
      usageHelpAutoWidth = false,
      exitCodeOnInvalidInput = Exit.USAGE,
      exitCodeOnExecutionException = Exit.FAILED)
  static final class Root implements Runnable {
    @CommandLine.Mixin final Context context;
    @CommandLine.Spec CommandSpec spec = CommandSpec.create();

    Root(Context context) {
      this.context = context;
    }

    @Override
    public void run() {
      throw new CommandLine.ParameterException(spec.commandLine(), "a command is missing");
    }
  }
}
