package dev.mandate.rego.compile;

import dev.mandate.rego.builtins.Builtins;
import dev.mandate.rego.syntax.Literal;
import dev.mandate.rego.syntax.Location;
import dev.mandate.rego.syntax.Term;
import dev.mandate.rego.value.ArrayValue;
import dev.mandate.rego.value.StringValue;
import dev.mandate.rego.value.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Gives every name its meaning: locals get names of their own, rules and imports become references
 * below data or input, calls name a function's path or a built-in. One resolver serves one rule.
 */
final class Resolver {
  /** What a module's names mean: rules of its package and imports. */
  record Names(
      List<String> packagePath,
      Set<String> rules,
      Map<String, List<String>> imports,
      boolean closedNot) {}

  /** Metadata constants of the rule at hand. */
  record Metadata(Value chain, @Nullable Value rule) {}

  private final Names names;
  private final Functions functions;
  private final @Nullable Supplier<Metadata> metadata;
  private final Set<String> closed = new HashSet<>();
  private final Map<String, Term.Var> unusedSome = new LinkedHashMap<>();
  private final Map<String, Term.Var> unusedAssigned = new LinkedHashMap<>();
  private final Set<String> usedImports;
  private int counter;
  private Scope scope = new Scope(null);

  /** Which paths are functions written in Rego, and with how many parameters. */
  interface Functions {
    /** The number of parameters, or -1 when there is no such function. */
    int arity(List<String> path);

    /** The built-in's definition, or null. */
    Builtins.@Nullable Def builtin(String name);
  }

  Resolver(
      Names names,
      Functions functions,
      @Nullable Supplier<Metadata> metadata,
      Set<String> usedImports) {
    this.names = names;
    this.functions = functions;
    this.metadata = metadata;
    this.usedImports = usedImports;
  }

  /** Variables that only their own statement binds, so that no reference ever loops over them. */
  Set<String> closed() {
    return closed;
  }

  Map<String, Term.Var> unusedSome() {
    return unusedSome;
  }

  Map<String, Term.Var> unusedAssigned() {
    return unusedAssigned;
  }

  boolean closedNot() {
    return names.closedNot;
  }

  /** The query's variables: unique name by the name as written. */
  Map<String, String> topLocals() {
    var out = new HashMap<String, String>();
    scope.locals().forEach((k, v) -> out.put(k, v.unique()));
    return out;
  }

  void push() {
    scope = new Scope(scope);
  }

  void pop() {
    scope = java.util.Objects.requireNonNull(scope.outer);
  }

  // ---- declarations

  private Term.Var declare(Term.Var v, Scope.How how) {
    if (v.name().equals("input") || v.name().equals("data")) {
      throw new Problem(Problem.COMPILE, "variables must not shadow " + v.name(), v.loc());
    }
    String unique = v.name() + "#" + ++counter;
    if (!v.isWildcard()) {
      scope.declare(v.name(), new Scope.Local(unique, how, v.loc()));
      if (how == Scope.How.ASSIGNED) {
        unusedAssigned.put(unique, v);
      } else if (how == Scope.How.DECLARED) {
        unusedSome.put(unique, v);
      }
    }
    if (how != Scope.How.DECLARED) {
      closed.add(unique);
    }
    return new Term.Var(v.loc(), unique);
  }

  /**
   * Resolves a parameter: its variables are declared as arguments, a repeated one means the same.
   */
  Term parameter(Term t) {
    return pattern(t, Scope.How.ARGUMENT);
  }

  private Term pattern(Term t, Scope.How how) {
    return switch (t) {
      case Term.Var v -> {
        if (how == Scope.How.ARGUMENT && scope.locals().containsKey(v.name())) {
          yield term(v);
        }
        yield declare(v, how);
      }
      case Term.ArrayTerm a ->
          new Term.ArrayTerm(a.loc(), a.items().stream().map(i -> pattern(i, how)).toList());
      case Term.ObjectTerm o ->
          new Term.ObjectTerm(
              o.loc(),
              o.entries().stream()
                  .map(e -> new Term.Entry(term(e.key()), pattern(e.value(), how)))
                  .toList());
      default -> {
        if (how == Scope.How.ASSIGNED && !(t instanceof Term.Const)) {
          throw new Problem(Problem.COMPILE, "cannot assign to " + kind(t), t.loc());
        }
        yield term(t);
      }
    };
  }

  private static String kind(Term t) {
    return switch (t) {
      case Term.Ref r -> "ref";
      case Term.Call c -> "call";
      case Term.SetTerm s -> "set";
      case Term.ArrayComp c -> "arraycomprehension";
      case Term.SetComp c -> "setcomprehension";
      case Term.ObjectComp c -> "objectcomprehension";
      default -> "term";
    };
  }

  // ---- bodies

  List<Literal> body(List<Literal> body) {
    var out = new ArrayList<Literal>();
    for (Literal l : body) {
      literal(l, out);
    }
    return out;
  }

  private void literal(Literal l, List<Literal> out) {
    // Values of with clauses are resolved first: they see nothing that the expression declares.
    var withs = new ArrayList<Literal.With>();
    for (Literal.With w : l.withs()) {
      withs.add(with(w));
    }
    Literal.Expr e =
        switch (l.expr()) {
          case Literal.TermExpr t -> new Literal.TermExpr(term(t.term()));
          case Literal.Unify u -> new Literal.Unify(term(u.left()), term(u.right()));
          case Literal.Assign a -> {
            if (l.negated()) {
              throw new Problem(
                  Problem.COMPILE, "cannot assign vars inside negated expression", l.loc());
            }
            Term right = term(a.right());
            yield new Literal.Assign(pattern(a.left(), Scope.How.ASSIGNED), right);
          }
          case Literal.SomeDecl d -> {
            d.vars().forEach(v -> declare(v, Scope.How.DECLARED));
            yield null;
          }
          case Literal.SomeIn s -> {
            Term coll = term(s.collection());
            Term key = s.key() == null ? null : somePattern(s.key());
            yield new Literal.SomeIn(key, somePattern(s.value()), coll);
          }
          case Literal.Every v -> {
            Term coll = term(v.collection());
            push();
            Term key = v.key() == null ? null : declareQuiet((Term.Var) v.key());
            Term value = declareQuiet((Term.Var) v.value());
            push();
            List<Literal> body = body(v.body());
            pop();
            pop();
            yield new Literal.Every(key, value, coll, body);
          }
          case Literal.NotBody n -> n;
        };
    if (e != null) {
      out.add(new Literal(l.loc(), l.negated(), e, withs));
    }
  }

  private Term declareQuiet(Term.Var v) {
    return declare(v, Scope.How.ARGUMENT);
  }

  private Term somePattern(Term t) {
    return switch (t) {
      case Term.Var v -> {
        Term.Var r = declare(v, Scope.How.DECLARED);
        unusedSome.remove(r.name());
        closed.add(r.name());
        yield r;
      }
      case Term.ArrayTerm a ->
          new Term.ArrayTerm(a.loc(), a.items().stream().map(this::somePattern).toList());
      case Term.ObjectTerm o ->
          new Term.ObjectTerm(
              o.loc(),
              o.entries().stream()
                  .map(e -> new Term.Entry(term(e.key()), somePattern(e.value())))
                  .toList());
      default -> term(t);
    };
  }

  private Literal.With with(Literal.With w) {
    Term target = w.target();
    Term function = functionNameOrNull(target, Term.dotted(target));
    Term resolvedTarget = function == null ? document(target) : function;
    Term value = w.value();
    if (!isRooted(resolvedTarget, "input")
        && (value instanceof Term.Var || value instanceof Term.Ref)) {
      // Only a function can be replaced by a function.
      Term fn = functionNameOrNull(value, Term.dotted(value));
      boolean replacesFunction =
          !isRooted(resolvedTarget, "data") || functions.arity(path(resolvedTarget)) >= 0;
      if (fn != null && replacesFunction) {
        return new Literal.With(
            w.loc(), resolvedTarget, fn instanceof Term.Var v ? builtinMarker(v) : fn);
      }
    }
    return new Literal.With(w.loc(), resolvedTarget, term(value));
  }

  // Through a name of the package or an import as well: both stand for documents.
  private Term document(Term target) {
    Term head = target instanceof Term.Ref r ? r.head() : target;
    if (head instanceof Term.Var v
        && (Vars.isRoot(v) || (!isLocal(v.name()) && globalPath(v.name()) != null))) {
      return term(target);
    }
    return functionName(target, Term.dotted(target));
  }

  private static Term builtinMarker(Term.Var v) {
    // A reference without steps: no call written in source looks like this.
    return new Term.Call(v.loc(), new Term.Ref(v.loc(), v, List.of()), List.of());
  }

  static boolean isRooted(Term t, String root) {
    return t instanceof Term.Ref r
        ? isRooted(r.head(), root)
        : t instanceof Term.Var v && v.name().equals(root);
  }

  // ---- terms

  Term term(Term t) {
    return switch (t) {
      case Term.Const c -> c;
      case Term.Var v -> var(v);
      case Term.Ref r -> ref(r);
      case Term.Call c -> call(c);
      case Term.ArrayTerm a -> new Term.ArrayTerm(a.loc(), terms(a.items()));
      case Term.SetTerm s -> new Term.SetTerm(s.loc(), terms(s.items()));
      case Term.ObjectTerm o ->
          new Term.ObjectTerm(
              o.loc(),
              o.entries().stream()
                  .map(e -> new Term.Entry(term(e.key()), term(e.value())))
                  .toList());
      case Term.ArrayComp c -> {
        push();
        List<Literal> body = body(c.body());
        Term head = term(c.head());
        pop();
        yield new Term.ArrayComp(c.loc(), head, body);
      }
      case Term.SetComp c -> {
        push();
        List<Literal> body = body(c.body());
        Term head = term(c.head());
        pop();
        yield new Term.SetComp(c.loc(), head, body);
      }
      case Term.ObjectComp c -> {
        push();
        List<Literal> body = body(c.body());
        Term key = term(c.key());
        Term value = term(c.value());
        pop();
        yield new Term.ObjectComp(c.loc(), key, value, body);
      }
      case Term.Template p -> template(p);
    };
  }

  private Term template(Term.Template p) {
    var parts = new ArrayList<Term.Part>();
    for (Term.Part part : p.parts()) {
      if (part instanceof Term.ExprPart e) {
        var withs = new ArrayList<Literal.With>();
        e.withs().forEach(w -> withs.add(with(w)));
        parts.add(new Term.ExprPart(term(e.term()), withs));
      } else {
        parts.add(part);
      }
    }
    return new Term.Template(p.loc(), parts);
  }

  List<Term> terms(List<Term> items) {
    var out = new ArrayList<Term>(items.size());
    for (Term t : items) {
      out.add(term(t));
    }
    return out;
  }

  private Term var(Term.Var v) {
    Scope.Local local = scope.find(v.name());
    if (local != null) {
      unusedSome.remove(local.unique());
      unusedAssigned.remove(local.unique());
      return new Term.Var(v.loc(), local.unique());
    }
    List<String> path = globalPath(v.name());
    return path == null ? v : rooted(v.loc(), path);
  }

  private @Nullable List<String> globalPath(String name) {
    if (names.rules.contains(name)) {
      var path = new ArrayList<String>();
      path.add("data");
      path.addAll(names.packagePath);
      path.add(name);
      return path;
    }
    List<String> imported = names.imports.get(name);
    if (imported != null) {
      usedImports.add(name);
    }
    return imported;
  }

  private static Term rooted(Location loc, List<String> path) {
    Term head = new Term.Var(loc, path.get(0));
    if (path.size() == 1) {
      return head;
    }
    var args = new ArrayList<Term>();
    for (String s : path.subList(1, path.size())) {
      args.add(new Term.Const(loc, new StringValue(s)));
    }
    return new Term.Ref(loc, head, args);
  }

  private Term ref(Term.Ref r) {
    Term head = term(r.head());
    List<Term> args = terms(r.args());
    if (head instanceof Term.Ref h && Vars.isRoot(h.head())) {
      var all = new ArrayList<>(h.args());
      all.addAll(args);
      return new Term.Ref(r.loc(), h.head(), all);
    }
    return new Term.Ref(r.loc(), head, args);
  }

  private Term call(Term.Call c) {
    String name = c.name();
    if (metadata != null && c.args().isEmpty() && name.equals("rego.metadata.chain")) {
      return new Term.Const(c.loc(), metadata.get().chain);
    }
    if (metadata != null && c.args().isEmpty() && name.equals("rego.metadata.rule")) {
      return new Term.Const(c.loc(), ownMetadata(metadata.get()));
    }
    Term fn = functionName(c.fn(), name);
    List<Term> args = terms(c.args());
    return new Term.Call(c.loc(), fn, args);
  }

  private static Value ownMetadata(Metadata m) {
    return m.rule == null ? dev.mandate.rego.value.ObjectValue.EMPTY : m.rule;
  }

  private Term functionName(Term fn, String name) {
    Term f = functionNameOrNull(fn, name);
    if (f == null) {
      throw new Problem(
          Problem.TYPE,
          Builtins.isKnown(name)
              ? "built-in function " + name + " is not provided by this engine"
              : "undefined function " + name,
          fn.loc());
    }
    return f;
  }

  /** A Var names a built-in, a Ref below data a function. */
  private @Nullable Term functionNameOrNull(Term fn, String name) {
    Term head = fn instanceof Term.Ref r ? r.head() : fn;
    if (!(head instanceof Term.Var h)) {
      return null;
    }
    var rest = new ArrayList<String>();
    if (fn instanceof Term.Ref r) {
      for (Term a : r.args()) {
        if (!(a instanceof Term.Const c) || !(c.value() instanceof StringValue s)) {
          return null;
        }
        rest.add(s.value());
      }
    }
    List<String> path = null;
    boolean isLocal = isLocal(h.name());
    if (h.name().equals("data")) {
      path = List.of("data");
    } else if (!isLocal) {
      path = globalPath(h.name());
    }
    if (path != null) {
      var full = new ArrayList<>(path);
      full.addAll(rest);
      if (full.get(0).equals("data") && functions.arity(full) >= 0) {
        return rooted(fn.loc(), full);
      }
    }
    if (!isLocal && functions.builtin(name) != null) {
      return new Term.Var(fn.loc(), name);
    }
    return null;
  }

  private boolean isLocal(String name) {
    for (Scope s = scope; s != null; s = s.outer) {
      if (s.locals().containsKey(name)) {
        return true;
      }
    }
    return false;
  }

  /**
   * The path of a rooted reference of string constants, root included; empty when it is something
   * else.
   */
  static List<String> path(Term t) {
    var out = new ArrayList<String>();
    if (t instanceof Term.Var v) {
      out.add(v.name());
    } else if (t instanceof Term.Ref r && r.head() instanceof Term.Var v) {
      out.add(v.name());
      for (Term a : r.args()) {
        if (!(a instanceof Term.Const c) || !(c.value() instanceof StringValue s)) {
          return List.of();
        }
        out.add(s.value());
      }
    }
    return out;
  }

  /** An array of strings. */
  static Value strings(List<String> items) {
    return ArrayValue.of(items.stream().map(s -> (Value) new StringValue(s)).toList());
  }
}
