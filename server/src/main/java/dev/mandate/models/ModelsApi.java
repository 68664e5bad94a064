package dev.mandate.models;

import dev.mandate.api.models.v1.CreateModelRequest;
import dev.mandate.api.models.v1.DeleteModelRequest;
import dev.mandate.api.models.v1.DeleteModelResponse;
import dev.mandate.api.models.v1.GetModelRequest;
import dev.mandate.api.models.v1.ListModelsRequest;
import dev.mandate.api.models.v1.ListModelsResponse;
import dev.mandate.api.models.v1.ModelsProto;
import dev.mandate.api.models.v1.TestModelRequest;
import dev.mandate.api.models.v1.TestModelResponse;
import dev.mandate.api.models.v1.UpdateModelRequest;
import dev.mandate.api.models.v1.UseModelRequest;
import dev.mandate.kernel.CancelSignal;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.rpc.Binder;
import dev.mandate.kernel.rpc.Timestamps;
import org.jspecify.annotations.Nullable;

/** {@code mandate.models.v1.ModelService}. */
public final class ModelsApi {
  private final Models models;

  public ModelsApi(Models models) {
    this.models = models;
  }

  public void bind(Binder binder) {
    binder
        .service(ModelsProto.getDescriptor().findServiceByName("ModelService"))
        .unary("ListModels", ListModelsRequest.getDefaultInstance(), this::list)
        .unary("CreateModel", CreateModelRequest.getDefaultInstance(), this::create)
        .unary("GetModel", GetModelRequest.getDefaultInstance(), this::get)
        .unary("UpdateModel", UpdateModelRequest.getDefaultInstance(), this::update)
        .unary("DeleteModel", DeleteModelRequest.getDefaultInstance(), this::delete)
        .unary("UseModel", UseModelRequest.getDefaultInstance(), this::use)
        .unary("TestModel", TestModelRequest.getDefaultInstance(), this::test);
  }

  private ListModelsResponse list(Mandate mandate, ListModelsRequest request) {
    return ListModelsResponse.newBuilder()
        .addAllModels(models.list(mandate).stream().map(ModelsApi::wire).toList())
        .build();
  }

  private dev.mandate.api.models.v1.Model create(Mandate mandate, CreateModelRequest request) {
    return wire(
        models.create(
            mandate,
            new ModelDraft(
                request.getName(),
                request.getProvider(),
                request.getBaseUrl(),
                request.getRemoteName(),
                request.getApiKey(),
                prices(
                    request.hasInputPriceMicros() ? request.getInputPriceMicros() : null,
                    request.hasOutputPriceMicros() ? request.getOutputPriceMicros() : null,
                    request.hasCachedInputPriceMicros()
                        ? request.getCachedInputPriceMicros()
                        : null),
                request.hasVision() ? request.getVision() : null)));
  }

  private dev.mandate.api.models.v1.Model get(Mandate mandate, GetModelRequest request) {
    return wire(models.get(mandate, request.getName()));
  }

  private dev.mandate.api.models.v1.Model update(Mandate mandate, UpdateModelRequest request) {
    return wire(
        models.update(
            mandate,
            request.getName(),
            new ModelChange(
                request.getVersion(),
                request.hasBaseUrl() ? request.getBaseUrl() : null,
                request.hasRemoteName() ? request.getRemoteName() : null,
                request.hasApiKey() ? request.getApiKey() : null,
                prices(
                    request.hasInputPriceMicros() ? request.getInputPriceMicros() : null,
                    request.hasOutputPriceMicros() ? request.getOutputPriceMicros() : null,
                    request.hasCachedInputPriceMicros()
                        ? request.getCachedInputPriceMicros()
                        : null),
                request.hasVision() ? request.getVision() : null)));
  }

  private DeleteModelResponse delete(Mandate mandate, DeleteModelRequest request) {
    models.delete(mandate, request.getName());
    return DeleteModelResponse.getDefaultInstance();
  }

  private dev.mandate.api.models.v1.Model use(Mandate mandate, UseModelRequest request) {
    return wire(models.use(mandate, request.getName()));
  }

  private TestModelResponse test(Mandate mandate, TestModelRequest request) {
    ModelTest test = models.test(mandate, request.getName(), new CancelSignal());
    return TestModelResponse.newBuilder()
        .setOk(test.ok())
        .setMessage(test.message())
        .setDurationMs(test.duration().toMillis())
        .build();
  }

  /** Prices come together or not at all; what the cache saves is unknown unless stated. */
  private static @Nullable ModelPrices prices(
      @Nullable Long input, @Nullable Long output, @Nullable Long cached) {
    if (input == null && output == null && cached == null) {
      return null;
    }
    if (input == null || output == null) {
      throw Failure.invalid(
          input == null ? "input_price_micros" : "output_price_micros",
          "is needed with the other price");
    }
    return new ModelPrices(input, output, cached == null ? input : cached, input);
  }

  private static dev.mandate.api.models.v1.Model wire(Model model) {
    var out =
        dev.mandate.api.models.v1.Model.newBuilder()
            .setName(model.name())
            .setProvider(model.provider().wireName())
            .setBaseUrl(model.baseUrl())
            .setRemoteName(model.remoteName())
            .setFromEnvironment(model.fromEnvironment())
            .setIsDefault(model.isDefault())
            .setSimulated(model.simulated())
            .setVision(model.vision())
            .setVersion(model.version());
    ModelPrices prices = model.prices();
    if (prices != null) {
      out.setPricesKnown(true)
          .setInputPriceMicros(prices.input())
          .setOutputPriceMicros(prices.output())
          .setCachedInputPriceMicros(prices.cachedInput());
    }
    if (model.createdAt() != null) {
      out.setCreatedAt(Timestamps.of(model.createdAt()));
    }
    return out.build();
  }
}
