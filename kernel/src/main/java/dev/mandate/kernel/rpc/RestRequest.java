package dev.mandate.kernel.rpc;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import com.linecorp.armeria.common.QueryParams;
import dev.mandate.kernel.Failure;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Puts a request message together from body, query and path. */
final class RestRequest {
  private final HttpBinding binding;
  private final Message.Builder target;
  private final List<String> fields = new ArrayList<>();

  private RestRequest(HttpBinding binding, Message.Builder target) {
    this.binding = binding;
    this.target = target;
  }

  /**
   * A request.
   *
   * @param mask which part of the answer is wanted; null for all
   */
  record Read(Message message, @Nullable Mask mask) {}

  /**
   * @param query the raw query string, if there is one
   * @param lastEventId the cursor of a reader that comes back; wins over the query
   */
  static Read read(
      Router.Match match, byte[] body, @Nullable String query, @Nullable String lastEventId) {
    Method method = match.route().method();
    RestRequest request =
        new RestRequest(match.route().binding(), method.requestType().newBuilderForType());
    request.body(body);
    request.query(query, method.masked());
    request.path(match.values());
    FieldDescriptor after = method.after();
    if (lastEventId != null && !lastEventId.isEmpty() && after != null) {
      request.set(request.target, after, "Last-Event-ID", lastEventId);
    }
    Mask mask =
        request.fields.isEmpty()
            ? null
            : Mask.of(request.fields, method.descriptor().getOutputType());
    return new Read(request.target.build(), mask);
  }

  private void body(byte[] body) {
    if (binding.wholeBody()) {
      if (body.length > 0) {
        JsonCodec.merge(body, target, null);
      }
    } else if (binding.bodyField() != null) {
      if (body.length > 0) {
        JsonCodec.merge(body, target, binding.bodyField());
      }
    } else if (body.length > 2) {
      // `{}` is what clients send that cannot send nothing.
      throw Failure.of(
          Failure.Code.INVALID_ARGUMENT, "UNEXPECTED_BODY", "this address takes no body");
    }
  }

  private void query(@Nullable String query, boolean masked) {
    if (query == null || query.isEmpty()) {
      return;
    }
    Set<String> given = new HashSet<>();
    for (Map.Entry<String, String> parameter : QueryParams.fromQueryString(query)) {
      if (parameter.getKey().equals(Mask.PARAMETER) && masked) {
        fields.add(parameter.getValue());
      } else {
        parameter(parameter.getKey(), parameter.getValue(), given);
      }
    }
  }

  private void parameter(String name, String value, Set<String> given) {
    if (binding.wholeBody()) {
      throw unknown(name);
    }
    Message.Builder builder = target;
    Descriptor type = target.getDescriptorForType();
    String[] steps = name.split("\\.", -1);
    if (steps.length > JsonCodec.MAX_DEPTH) {
      throw Failure.invalid(
          Failure.excerpt(name), "is nested deeper than " + JsonCodec.MAX_DEPTH + " levels");
    }
    StringBuilder canonical = new StringBuilder();
    for (int i = 0; ; i++) {
      Shape.Field found = Shape.of(type).field(steps[i]);
      if (found == null || (i == 0 && isTaken(found.descriptor()))) {
        throw unknown(name);
      }
      FieldDescriptor field = found.descriptor();
      canonical.append(field.getName()).append('.');
      if (i == steps.length - 1) {
        if (field.isMapField()) {
          throw Failure.invalid(Failure.excerpt(name), "cannot be given in the query");
        }
        if (!field.isRepeated() && !given.add(canonical.toString())) {
          throw Failure.invalid(Failure.excerpt(name), "is given twice");
        }
        set(builder, field, Failure.excerpt(name), value);
        return;
      }
      if (field.isRepeated()
          || field.getJavaType() != FieldDescriptor.JavaType.MESSAGE
          || Shape.of(field.getMessageType()).special != Shape.Special.NONE) {
        throw unknown(name);
      }
      builder = builder.getFieldBuilder(field);
      type = field.getMessageType();
    }
  }

  /** Whether the body or the path gives this field already. */
  private boolean isTaken(FieldDescriptor field) {
    if (field.equals(binding.bodyField())) {
      return true;
    }
    for (HttpBinding.Segment segment : binding.segments()) {
      if (segment.variable().size() == 1 && segment.variable().getFirst().equals(field)) {
        return true;
      }
    }
    return false;
  }

  private void path(List<String> values) {
    int next = 0;
    for (HttpBinding.Segment segment : binding.segments()) {
      if (segment.variable().isEmpty()) {
        continue;
      }
      Message.Builder builder = target;
      List<FieldDescriptor> variable = segment.variable();
      for (FieldDescriptor outer : variable.subList(0, variable.size() - 1)) {
        builder = builder.getFieldBuilder(outer);
      }
      FieldDescriptor field = variable.getLast();
      Object before = builder.getField(field);
      boolean inBody = binding.wholeBody() && !before.equals(field.getDefaultValue());
      set(builder, field, field.getJsonName(), values.get(next++));
      if (inBody && !before.equals(builder.getField(field))) {
        throw Failure.invalid(field.getJsonName(), "differs from the address");
      }
    }
  }

  private void set(Message.Builder builder, FieldDescriptor field, String name, String text) {
    try {
      Object value = Scalars.fromText(field, text, builder);
      if (field.isRepeated()) {
        builder.addRepeatedField(field, value);
      } else {
        builder.setField(field, value);
      }
    } catch (Scalars.Malformed e) {
      throw Failure.invalid(name, e.problem());
    }
  }

  private static Failure unknown(String name) {
    String shown = Failure.excerpt(name);
    return Failure.of(
            Failure.Code.INVALID_ARGUMENT, "UNKNOWN_PARAMETER", shown + ": unknown query parameter")
        .with("field", shown);
  }
}
