package dev.mandate.kernel.rpc;

import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.Value;
import dev.mandate.kernel.Failure;
import java.util.List;
import java.util.Map;

/** Reads binary messages, and refuses in them what the JSON codec refuses. */
final class Binary {
  private Binary() {}

  static Message read(byte[] bytes, Message type) {
    Message message;
    try {
      message = type.getParserForType().parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      throw Failure.of(
          Failure.Code.INVALID_ARGUMENT, "MALFORMED_PROTOBUF", "the message is not valid protobuf");
    }
    check(message, new FieldPath(), 0);
    return message;
  }

  /**
   * Refuses what the contract does not have, which protobuf would pass over in silence, and texts
   * and numbers that could neither be stored nor be shown again.
   */
  private static void check(Message message, FieldPath path, int depth) {
    if (depth > JsonCodec.MAX_DEPTH) {
      throw path.wrong("is nested deeper than " + JsonCodec.MAX_DEPTH + " levels");
    }
    if (!message.getUnknownFields().isEmpty()) {
      throw unknown(message, path);
    }
    if (message instanceof Value value && value.hasNumberValue()) {
      if (!Double.isFinite(value.getNumberValue())) {
        throw path.wrong("is not a finite number");
      }
    }
    for (Map.Entry<FieldDescriptor, Object> entry : message.getAllFields().entrySet()) {
      FieldDescriptor field = entry.getKey();
      switch (field.getJavaType()) {
        case STRING, ENUM, MESSAGE -> {}
        default -> {
          continue;
        }
      }
      path.push(field.getJsonName());
      if (field.isRepeated()) {
        int index = 0;
        for (Object element : (List<?>) entry.getValue()) {
          path.push(index++);
          check(element, path, depth);
          path.pop();
        }
      } else {
        check(entry.getValue(), path, depth);
      }
      path.pop();
    }
  }

  private static Failure unknown(Message message, FieldPath path) {
    int number = message.getUnknownFields().asMap().keySet().iterator().next();
    FieldDescriptor field = message.getDescriptorForType().findFieldByNumber(number);
    if (field == null) {
      return path.unknown(Integer.toString(number));
    }
    path.push(field.getJsonName());
    return path.wrong("is encoded as another type");
  }

  private static void check(Object value, FieldPath path, int depth) {
    try {
      switch (value) {
        case String text -> {
          String _ = Scalars.string(text);
        }
        case EnumValueDescriptor chosen -> {
          EnumValueDescriptor _ = Scalars.enumValue(chosen.getType(), chosen.getNumber());
        }
        default -> check((Message) value, path, depth + 1);
      }
    } catch (Scalars.Malformed e) {
      throw path.wrong(e.problem());
    }
  }
}
