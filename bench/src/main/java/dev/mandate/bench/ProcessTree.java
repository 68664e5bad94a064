package dev.mandate.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** What a process and those it started hold, by Linux's {@code /proc}. */
record ProcessTree(ProcessHandle root) {
  private static final double TICKS_PER_SECOND = 100;

  /** Kilobytes of memory, shared pages counted by their share. */
  double pssKb() {
    return all().stream().mapToDouble(ProcessTree::pssKb).sum();
  }

  /** The same without children. */
  double rootPssKb() {
    return pssKb(root);
  }

  double rootRssKb() {
    return field(root, "status", "VmRSS:");
  }

  double threads() {
    return field(root, "status", "Threads:");
  }

  double children() {
    return root.descendants().count();
  }

  /** Files and connections that the process itself has open. */
  double openFiles() {
    try (Stream<Path> files = Files.list(Path.of("/proc/" + root.pid() + "/fd"))) {
      return files.count();
    } catch (IOException e) {
      return 0;
    }
  }

  /** Processor time of all of them so far, of those that have ended too. */
  double cpuSeconds() {
    // A process that ends leaves its time to its parent: cutime and cstime.
    return all().stream().mapToDouble(process -> cpuSeconds(process, 4)).sum();
  }

  /** The same without children. */
  double rootCpuSeconds() {
    return cpuSeconds(root, 2);
  }

  private List<ProcessHandle> all() {
    return Stream.concat(Stream.of(root), root.descendants()).toList();
  }

  private static double pssKb(ProcessHandle process) {
    return field(process, "smaps_rollup", "Pss:");
  }

  /**
   * @param fields how many of utime, stime, cutime and cstime count, which are fields 14 to 17
   */
  private static double cpuSeconds(ProcessHandle process, int fields) {
    try {
      String stat = Files.readString(Path.of("/proc/" + process.pid() + "/stat"));
      // The name in parentheses may hold anything.
      String[] rest = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
      return Arrays.stream(rest, 11, 11 + fields).mapToLong(Long::parseLong).sum()
          / TICKS_PER_SECOND;
    } catch (IOException e) {
      // It ended meanwhile.
      return 0;
    }
  }

  private static double field(ProcessHandle process, String file, String name) {
    try (Stream<String> lines = Files.lines(Path.of("/proc/" + process.pid() + "/" + file))) {
      return lines
          .filter(line -> line.startsWith(name))
          .mapToDouble(line -> Double.parseDouble(line.replaceAll("[^0-9]", "")))
          .findFirst()
          .orElse(0);
    } catch (IOException e) {
      // It ended meanwhile.
      return 0;
    }
  }
}
